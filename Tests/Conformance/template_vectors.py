#!/usr/bin/env python3
"""Asks a real promtool what it makes of alert templates, and keeps the answers as vectors for `swift test`.

    template_vectors.py PROMTOOL > ../RulesTests/Vectors/templates.json

Each template is the annotation of an alert that fires; promtool is told to expect another text and shows the one it got. Templates
that it refuses to load are asked for one by one: their vector is the message.
"""

import concurrent.futures
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# What a template sees: the element's labels and its value, with external labels and an external URL.
LABELS = {"__name__": "up", "job": "api", "instance": "host.example.org:9100", "sp": 'a "b" <c>&'}
VALUES = [0.0, 1.0, 1234567.0]
EXTERNAL_LABELS = {"region": "eu", "cluster": "c1"}
EXTERNAL_URL = "http://prom.example.org:9090/prom"
# What `query "metric"` and its like find.
SERIES = {'metric{instance="b"}': 21, 'metric{instance="a",__value__="sv"}': 11, 'metric{instance="c"}': 0.5}

TEMPLATES = r'''
plain text
{{ $labels }}
{{ $labels.job }} {{ $labels.nope }}|
{{ $labels.my-label }}
{{ index $labels "my-label" }}|
{{ index $labels "job" }}
{{ index $labels 1 }}
{{ index $labels nil }}
{{ $value }}
{{ .Value }} {{ .Labels.job }} {{ .ExternalLabels.region }} {{ .ExternalURL }}
{{ . }}
{{ $externalLabels }} {{ $externalURL }} {{ $externalLabels.region }}
{{ printf "%d" $value }}
{{ printf "%s" }}
{{ printf "a" 1 }}
{{ printf "a" 1 "b" 2.5 true nil }}
{{ printf "%.2f" $value }} {{ $value | printf "%.2f" }}
{{ printf "%v %s %q %x %X" "aé" "b" "c\"d" "hi" "hi" }}
{{ printf "%d %5d|%-5d|%05d|%+d|% d|%x|%X|%o|%b|%c|%q|%U" 1 2 3 4 5 6 255 255 8 5 65 65 65 }}
{{ printf "%#x %#o %#b %O %#q %#U %+q" 255 8 5 8 "a`b" 10004 "é" }}
{{ printf "%8.3f|%-8.2f|%08.2f|%+.1f|% .1f|%e|%E|%g|%G|%F" 3.14159 2.5 -2.5 1.0 1.0 12345.678 12345.678 1e21 1e-7 1.5 }}
{{ printf "%6v|%-6v|%06v" 1.5 1.5 1.5 }}
{{ printf "%t %v %5t|%d" true false true true }}
{{ printf "%s %v" 1 1 }} {{ printf "%d" "x" }} {{ printf "%z" 1 }} {{ printf "%!" }} {{ printf "%" }}
{{ printf "%T %T %T %T %T %T" 1 1.5 "a" true $labels nil }}
{{ printf "%v %+v %#v" $labels $labels $labels }}
{{ printf "%*d|%-*d|%.*f" 5 1 5 2 2 3.14159 }}
{{ printf "%[2]d %[1]d" 1 2 }} {{ printf "%[3]d" 1 2 }} {{ printf "%[x]d" 1 }}
{{ printf "%10s|%-10s|%.2s|%10.2s" "abc" "abc" "abc" "abc" }}
{{ printf "%q" 'x' }} {{ 'x' }} {{ printf "%c" 0x1F600 }}
{{ printf "%v" 'a' }} {{ printf "%08b" 5 }} {{ printf "%x" -255 }} {{ printf "%.3d" 7 }}
{{ printf "%x" 3.5 }} {{ printf "%b" 3.5 }} {{ printf "%.3x" 3.5 }}
{{ printf "%6.2f%%" 12.345 }}
{{ printf "%s" $labels }} {{ printf "%d" $labels }}
{{ printf "%g %g %g %g" 100000.0 1000000.0 0.0001 0.00001 }}
{{ printf "%.3g %.10g %.0f %.1f" 123456.0 0.1 0.5 0.25 }}
{{ printf "%v" 1e6 }} {{ printf "%v" 123456789.0 }} {{ 1e21 }} {{ 0.00001 }}
{{ printf "% x|%# x" "abc" "abc" }}
{{ printf "%s|%v|%d" nil nil nil }}
{{ if gt $value 1 }}x{{ end }}
{{ if gt $value 1.0 }}big{{ else }}small{{ end }}
{{ if lt 1 2 }}a{{ end }}{{ if le 2 2 }}b{{ end }}{{ if ge 2 3 }}c{{ else }}d{{ end }}{{ if ne 1 2 }}e{{ end }}
{{ if $value }}yes{{ else }}no{{ end }}
{{ if eq $labels.job "a" "b" "api" }}yes{{ end }}
{{ if eq 1 1.0 }}x{{ end }}
{{ if eq "a" 1 }}x{{ end }}
{{ if eq 1 }}x{{ end }}
{{ if eq $labels $labels }}x{{ end }}
{{ if lt $labels $labels }}x{{ end }}
{{ if lt "a" "b" }}x{{ end }}{{ if gt "b" "a" }}y{{ end }}
{{ if lt true false }}x{{ end }}
{{ if eq nil 1 }}x{{ end }}
{{ if eq $labels.nope "" }}empty{{ end }}
{{ $value.x }}
{{ .Nope }}
{{ .Value.x }}
{{ .Labels.job.x }}
{{ $labels.job.x }}
{{ $nope }}
{{ nofn 1 }}
{{ end }}
{{
{{ if true }}
{{ if true }}a{{ else }}b{{ else }}c{{ end }}
{{ else }}
{{ if }}x{{ end }}
{{ range }}x{{ end }}
{{ define "x" }}
{{ break }}
{{ continue }}
{{ "abc }}
{{ `abc }}
{{ 'ab' }}
{{ 'a }}
{{ /* c }}
{{ /* c */ x }}
{{ (1 }}
{{ 1) }}
{{ 1 | 2 }}
{{ "a" "b" }}
{{ 1 2 }}
{{ nil }}
{{ true }} {{ false }}
{{ .x.y }}
{{ 1.x }}
{{ "a".x }}
{{ $labels | }}
{{ | }}
{{ }}
{{ - 1 }}
{{ -1 }} {{ +1 }} {{ 1_000 }} {{ 0x10 }} {{ 0b11 }} {{ 0o17 }} {{ 017 }} {{ 1e3 }} {{ 0x1p4 }} {{ .5 }} {{ 5. }}
{{ 99999999999999999999 }}
{{ 9223372036854775808 }}
{{ 1e400 }}
{{ 1a }}
{{ 08 }}
{{ 1+2i }}
{{ # }}
{{ é }}
{{ ✓ }}
{{ a$b }}
{{ : }}
{{ $x := 1 }}{{ $x }}{{ $x = 2 }}{{ $x }}
{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}
{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}
{{ if $x := 5 }}{{ $x }}{{ end }}{{ $x }}
{{ $x, $y := 1 }}
{{ range $a, $b, $c := $labels }}{{ end }}
{{ $x = 1 }}
{{ print 1 2 "a" "b" 3 }} {{ println 1 "a" 2 }}|{{ print }}|{{ print nil }}
{{ range 3 }}x{{ end }}
{{ range $i := 3 }}{{ $i }}{{ end }}
{{ range $i, $j := 3 }}{{ $i }}{{ end }}
{{ range "abc" }}x{{ end }}
{{ range 1.5 }}x{{ end }}
{{ range true }}x{{ end }}
{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}
{{ range $v := $labels }}{{ $v }};{{ end }}
{{ range $labels }}{{ . }};{{ else }}none{{ end }}
{{ range $k, $v := $labels }}{{ if eq $k "job" }}{{ break }}{{ end }}{{ $k }};{{ end }}
{{ range $k, $v := $labels }}{{ if eq $k "job" }}{{ continue }}{{ end }}{{ $k }};{{ end }}
{{ $k := "" }}{{ $v := "" }}{{ range $k, $v = $labels }}{{ end }}{{ $k }}{{ $v }}
{{ range query "none" }}x{{ else }}empty{{ end }}
{{ range nil }}x{{ end }}
{{ with $labels.job }}{{ . }}{{ end }}{{ with $labels.nope }}x{{ else }}none{{ end }}
{{ with $labels.nope }}x{{ else with $labels.job }}{{ . }}{{ end }}
{{ with $x := 3 }}{{ $x }}{{ . }}{{ end }}
{{ if false }}a{{ else if true }}b{{ else }}c{{ end }}
{{ and true false }} {{ and 1 2 }} {{ or 0 "x" }} {{ or 0 "" }} {{ not 1 }} {{ and }} 
{{ and 1 (index $labels 1) }}
{{ or 1 (index $labels 1) }}
{{ true | and 0 }} {{ true | or 0 }}
{{ len "abc" }} {{ len $labels }} {{ len (query "metric") }}
{{ len 3 }}
{{ len nil }}
{{ slice "abcdef" 1 3 }} {{ slice "abc" 1 }} {{ slice "abc" }}
{{ slice "abc" 2 1 }}
{{ slice "abc" 5 }}
{{ slice "abc" 1 2 3 }}
{{ slice $labels 1 }}
{{ slice "abc" "x" }}
{{ index "abc" 1 }}
{{ index "abc" 5 }}
{{ index "abc" 3 }}
{{ index "abc" "x" }}
{{ index 1 2 }}
{{ index nil }}
{{ index (query "metric{instance='b'}") 0 | value }}
{{ index (query "metric") 7 | value }}
{{ call nil }}
{{ call 1 }}
{{ js "a'b\"<" }} {{ html "<a&'\">" }} {{ urlquery "a b&c/é" }} {{ js "é\n=" }} {{ html 1 2 }} {{ urlquery "a" 1 }}
{{ html $labels.sp }} {{ js $labels.sp }} {{ safeHtml "<b>" }}
x {{- /* c */ -}} y
x {{- 1 -}} y {{ 2 -}}  z  {{- 3 }} w
a{{/* c */}}b
a {{- "b" }} {{ "c" -}}  d
{{- "x" -}}
{{"x"}}{{- 1}}
{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" 1 }}{{ template "t" "a" }}{{ template "t" }}
{{ define "t" }}{{ .arg0 }}/{{ .arg1 }}/{{ .arg2 }}{{ end }}{{ template "t" (args 1 "b") }}
{{ define "t" }}{{ $labels }}{{ end }}
{{ template "nope" }}
{{ template "nope" . }}
{{ template 1 }}
{{ define 1 }}{{ end }}
{{ block "b" 5 }}<{{ . }}>{{ end }}
{{ define "a" }}1{{ end }}{{ define "a" }}2{{ end }}
{{ define "t" }}{{ .x.y }}{{ end }}{{ template "t" $labels }}
{{ define "t" }}{{ index . 5 }}{{ end }}{{ template "t" "abc" }}
{{ query "metric" | sortByLabel "instance" | first | label "instance" }}
{{ range query "metric" | sortByLabel "instance" }}{{ .Labels.instance }}={{ .Value }};{{ end }}
{{ range $i, $s := sortByLabel "instance" (query "metric") }}{{ $i }}{{ $s.Labels.instance }}{{ value $s }};{{ end }}
{{ with query "metric{instance='b'}" }}{{ . | first | value | humanize }}{{ end }}
{{ query "none" | first }}
{{ query "none" | first | value }}
{{ query "metric{" }}
{{ query "metric" | first | label "nope" }}|{{ query "metric" | sortByLabel "instance" | first | strvalue }}
{{ (query "metric" | sortByLabel "instance" | first).Labels.instance }}
{{ (query "metric" | sortByLabel "instance" | first).Nope }}
{{ query "metric{instance='b'}" | first }}
{{ printf "%v" (query "metric{instance='b'}" | first) }}
{{ label "a" nil }}
{{ value nil }}
{{ value 1 }}
{{ first 1 }}
{{ first nil }}
{{ label 1 2 }}
{{ query 1 }}
{{ query }}
{{ query "a" "b" }}
{{ title "hello WORLD foo-bar it's 4th a_b x.y" }}
{{ title "éa ßa ǆa 3d d3d" }} {{ toUpper "aéß" }} {{ toLower "AÉ" }}
{{ title 1 }}
{{ $value | title }}
{{ match "a+" "caat" }} {{ match "^a" "ba" }} {{ match "a.b" "a\nb" }}
{{ match "(" "x" }}
{{ reReplaceAll "a(.)" "<$1>" "abacad" }} {{ reReplaceAll "(?P<x>b)" "${x}${x}" "abc" }} {{ reReplaceAll "" "-" "abc" }} {{ reReplaceAll "b*" "-" "abc" }}
{{ reReplaceAll "(.*):.*" "$1" $labels.instance }} {{ reReplaceAll "x*" "é" "aéa" }} {{ reReplaceAll "a" "$0$1$x" "a" }} {{ reReplaceAll "^a" "b" "aaa" }}
{{ reReplaceAll "(" "x" "y" }}
{{ reReplaceAll "\\bfoo\\b" "x" "foo foobar foo" }} {{ reReplaceAll "a|b" "$$" "ab" }}
{{ graphLink "up{a='b'} > 1" }} {{ tableLink "rate(x[5m])" }}
{{ stripPort "h:1" }} {{ stripPort "h" }} {{ stripPort "[::1]:9" }} {{ stripPort "::1" }} {{ stripPort "a:b:c" }} {{ stripPort "[::1]" }} {{ stripPort ":80" }} {{ stripPort "h:" }}
{{ stripDomain "a.b.c:80" }} {{ stripDomain "a.b.c" }} {{ stripDomain "1.2.3.4:80" }} {{ stripDomain "1.2.3.4" }} {{ stripDomain "[::1]:80" }} {{ stripDomain "host" }} {{ stripDomain "::1" }} {{ stripDomain "256.1.1.1" }} {{ stripDomain "a.b:" }}
{{ humanize 0 }} {{ humanize 1234567 }} {{ humanize 0.00012 }} {{ humanize "1e3" }} {{ humanize 1e30 }} {{ humanize -1500 }} {{ humanize "NaN" }} {{ humanize "+Inf" }} {{ humanize 999.96 }} {{ humanize 999.99 }} {{ humanize 1e-30 }}
{{ humanize "abc" }}
{{ humanize true }}
{{ humanize nil }}
{{ humanize $labels }}
{{ humanize "" }}
{{ humanize "0x10" }}
{{ humanize "0x1p4" }} {{ humanize "infinity" }} {{ humanize ".5" }} {{ humanize "5." }}
{{ humanize "1_000" }}
{{ humanize " 1" }}
{{ humanize "1e999" }}
{{ humanize1024 0 }} {{ humanize1024 1048576 }} {{ humanize1024 0.5 }} {{ humanize1024 1e30 }} {{ humanize1024 -2048 }} {{ humanize1024 1023 }} {{ humanize1024 "inf" }}
{{ humanizeDuration 0 }} {{ humanizeDuration 1 }} {{ humanizeDuration 59.9 }} {{ humanizeDuration 60 }} {{ humanizeDuration 3600 }} {{ humanizeDuration 86400 }} {{ humanizeDuration 90061.5 }} {{ humanizeDuration -3661 }} {{ humanizeDuration 0.0001 }} {{ humanizeDuration "3600" }} {{ humanizeDuration 1e-30 }} {{ humanizeDuration "NaN" }} {{ humanizeDuration 59.99999 }} {{ humanizeDuration 12345678 }}
{{ humanizePercentage 0.123456 }} {{ humanizePercentage 1 }} {{ humanizePercentage "0.5" }} {{ humanizePercentage 12.3456 }}
{{ humanizeTimestamp 1435065584.128 }} {{ humanizeTimestamp 0 }} {{ humanizeTimestamp "NaN" }} {{ humanizeTimestamp -1.5 }} {{ humanizeTimestamp 1.4350655845e9 }} {{ humanizeTimestamp "+Inf" }}
{{ humanizeTimestamp 1e20 }}
{{ toTime 1.5e9 }} {{ (toTime 1.5e9).Format "2006-01-02" }} {{ (toTime 1.5e9).Unix }} {{ (toTime 1500000000.123).Format "Mon Jan _2 15:04:05.000 2006 MST -07:00 Z07:00 PM 3" }} {{ (toTime 1.5e9).Year }} {{ (toTime 1.5e9).Month }} {{ (toTime 1.5e9).Weekday }} {{ (toTime 1.5e9).YearDay }}
{{ (toTime 1.5e9).UnixNano }} {{ (toTime 1.5e9).UTC }} {{ (toTime 1.5e9).Format "02/01/06 3:4:5pm Monday January 002 __2" }} {{ printf "%d" (toTime 1.5e9).Month }} {{ ((toTime 1.5e9).Add 60000000000).Format "15:04" }}
{{ toTime "NaN" }}
{{ toTime 1e20 }}
{{ (toTime 1).Nope }}
{{ (toTime 1).Format }}
{{ (toTime 1).Format 1 }}
{{ toTime 1 | printf "%v" }} {{ printf "%s" (toTime 1) }} {{ printf "%T" (toTime 1) }}
{{ parseDuration "1h30m" }} {{ parseDuration "0" }} {{ parseDuration "1d2h" }} {{ parseDuration "100ms" }}
{{ parseDuration "abc" }}
{{ parseDuration "1x" }}
{{ parseDuration "" }}
{{ pathPrefix 1 }}
{{ $value | humanize | printf "%s!" }} {{ printf "%s" ($value | humanize) }}
{{ ($labels).job }} {{ ($labels.job) }} {{ (index $labels "job").x }}
{{ .Labels.job "x" }}
{{ $labels.job "x" }}
{{ "x" | $labels.job }}
{{ .Value 1 }}
{{ "a" | .Value }}
{{ . 1 }}
{{ true 1 }}
{{ 1 | true }}
{{ args 1 2 }} {{ (args "a").arg0 }} {{ (args).arg0 }}
{{ (args 1).arg0.x }}
{{ (args).arg0.x }}
{{ $ }}
{{ $.Labels.job }}
{{ $.Labels }} {{ with 1 }}{{ $.Value }}{{ end }}
{{ . | printf "%v" }}
{{ define "r" }}{{ if . }}{{ template "r" false }}{{ end }}x{{ end }}{{ template "r" true }}
{{ print "a" | print "b" }} {{ "q" | printf "%s-%s" "p" }}
{{ printf 1 }}
{{ printf }}
{{ tmpl "x" 1 }}
{{ eq .Value .Value }} {{ eq 1 2 3 1 }} {{ ne "a" "b" }} {{ lt 1.0 2.0 }} {{ eq true true }}
{{ ne 1 2 3 }}
{{ lt 1 }}
{{ lt 1 "a" }}
{{ lt nil 1 }}
{{ not }}
{{ not 1 2 }}
{{ if (and (gt $value 0.5) (lt $value 2.0)) }}in{{ else }}out{{ end }}
{{ if and (gt $value 0.5) (lt $value 2.0) }}in{{ else }}out{{ end }}
{{ if or (eq $labels.job "x") (ne $labels.job "y") }}ok{{ end }}
{{ if not (eq $labels.job "x") }}ok{{ end }}
{{ $labels.job | toUpper | printf "%q" }} {{ len $labels.job }} {{ $labels.instance | stripPort | stripDomain }}
{{ printf "%.0f" $value }}% {{ $value | printf "%.1f" | printf "%6s" }}
{{ $value | humanizePercentage }} {{ $value | humanizeDuration }} {{ $value | humanize1024 }} {{ $value | humanizeTimestamp }} {{ $value | humanize }}
VALUE = {{ $value }}
LABELS = {{ $labels }}
{{ range $x := args 1 "b" }}{{ $x }};{{ end }}
{{ printf "%v" (args 1 "b" nil) }}
{{- range $labels -}} {{ . }} {{- end -}}
{{ with (index $labels "job") }}{{ len . }}{{ end }}
{{ print (1) }} {{ print ((1)) }} {{ (print 1) }} {{ print(1) }}
{{ printf "%s" ( printf "%s" "a" ) }}
{{"a"|print}}
{{$labels.job|print}}
{{print $labels.job}}
{{ $labels.job}}{{$value}}
{{ .Labels  .Value }}
{{ $labels.job,$value }}
{{ template "x" , }}
{{ "a\tb\u00e9\x41\101" }} {{ `raw\n` }}
{{ "\z" }}
{{ '\n' }} {{ '\'' }}
'''.strip("\n").split("\n")

MULTILINE = [
    "a\nb {{ $labels.job }}\nc {{ $value.x }}",
    "a\n{{ if true }}\nb\n{{ end }}\nc",
    "a\n  {{- if true }}\nb\n  {{- end }}\nc",
    "{{ /* a\nb */ }}x",
    "{{ range $k, $v := $labels }}\n{{ $k }}: {{ $v }}\n{{ end }}",
    "a\n{{ if\n$value.x }}b{{ end }}",
    "a\n{{ nofn }}",
    "{{ if true }}\n\n{{ print 1\n",
    "line1\nline2 {{ template \"x\"\n . }}",
    "{{ define \"a\" }}\n{{ .x.y.z }}\n{{ end }}\n{{ template \"a\" 1 }}",
    "VALUE\n{{ printf\n\"%s\"\n1 }}",
    "a {{ \"x\ny\" }}",
    "{{ print `x\ny` }} {{ $value.z }}",
    "\n\n   {{ . | len }}",
    "tab\t{{ print \"\\t\" }}|",
]

RULES = "rules.yml"


def rule(index, template):
    return {"alert": f"A{index}", "expr": f"up{{job='api'}}", "annotations": {"x": template}}


def unquoted(text):
    return json.loads(re.sub(r"\\x([0-9a-f]{2})", lambda m: "\\u00" + m[1], text.replace("\\a", "\\u0007").replace("\\v", "\\u000b")))


def run(promtool, folder, templates, value):
    """Texts by index; None where promtool refuses the whole file."""
    rules = {"groups": [{"name": "g", "rules": [rule(i, t) for i, t in enumerate(templates)]}]}
    (folder / RULES).write_text(json.dumps(rules))
    labels = ",".join(f"{name}={json.dumps(text)}" for name, text in LABELS.items() if name != "__name__")
    series = [{"series": f"up{{{labels}}}", "values": repr(value)}]
    series += [{"series": name, "values": repr(number)} for name, number in SERIES.items()]
    tests = []
    for index in range(len(templates)):
        tests.append({"eval_time": "0s", "alertname": f"A{index}", "exp_alerts": [{"exp_annotations": {"x": "?"}}]})
    test = {
        "rule_files": [RULES],
        "evaluation_interval": "1m",
        "tests": [
            {
                "input_series": series,
                "external_labels": EXTERNAL_LABELS,
                "external_url": EXTERNAL_URL,
                "alert_rule_test": tests,
            }
        ],
    }
    (folder / "test.yml").write_text(json.dumps(test))
    done = subprocess.run([promtool, "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True)
    texts = {}
    for block in re.split(r"alertname: A", done.stderr)[1:]:
        index = int(re.match(r"\d+", block)[0])
        got = block.split("got:[", 1)[1] if "got:[" in block else ""
        found = re.search(r'Annotations:\{x=("(?:[^"\\]|\\.)*")\}', got)
        if found:
            texts[index] = unquoted(found[1])
    if not texts and templates:
        return None, done.stderr
    return texts, done.stderr


def load_error(promtool, template):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rules = {"groups": [{"name": "g", "rules": [rule(0, template)]}]}
        (folder / RULES).write_text(json.dumps(rules))
        done = subprocess.run([promtool, "check", "rules", RULES], cwd=folder, capture_output=True, text=True)
        found = re.search(r'annotation "x": (.*)', done.stderr, re.S)
        return found[1].strip("\n") if found else None


def main():
    promtool = sys.argv[1]
    templates = TEMPLATES + MULTILINE
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        errors = list(pool.map(lambda template: load_error(promtool, template), templates))
    vectors = []
    good = []
    for template, error in zip(templates, errors):
        if error is None:
            good.append(template)
        else:
            vectors.append({"template": template, "refused": error.rstrip()})
    for value in VALUES:
        with tempfile.TemporaryDirectory() as name:
            texts, output = run(promtool, Path(name), good, value)
        if texts is None:
            sys.exit(output)
        for index, template in enumerate(good):
            if value != VALUES[1] and "alue" not in template:
                continue
            # The alert's name is in messages.
            text = texts.get(index)
            if text is None:
                print(f"no answer for {template!r}", file=sys.stderr)
                continue
            vectors.append({"template": template, "value": value, "text": text.replace(f"__alert_A{index}:", "__alert_A0:").replace(f"__alert_A{index}\"", "__alert_A0\"")})
    print("[\n" + ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors) + "\n]")


main()
