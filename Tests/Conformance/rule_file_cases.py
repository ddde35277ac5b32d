"""Rule files with every mistake, as bytes, for record.py: what promtool says to each."""
import itertools

GOOD = "groups: [{name: g, rules: [{record: r, expr: up}]}]\n"


def rule(text):
    return "groups: [{name: g, rules: [{" + text + "}]}]\n"


def cases():
    for case in itertools.chain(documents(), groups(), rules(), templates()):
        yield case if isinstance(case, bytes) else case.encode()


def documents():
    """What is wrong with the YAML, or odd about it."""
    yield from ["", "\n", "# nothing\n", "---\n", "null\n", "{}\n", "[]\n", "a\n", "1\n", "groups:\n", "groups: null\n", "groups: []\n", "groups: {}\n", "groups: a\n",
                "groups: [a]\n", "groups: [null]\n", "groups: [[]]\n", "Groups: []\n", "groups: []\ngroups: []\n", "groups: []\nother: 1\n"]
    yield from [GOOD + "---\n", GOOD + "---\n" + GOOD, GOOD + "---\ngroups: [{name: 1x, rules: [{expr: '('}]}]\n", GOOD + "---\n: [\n", GOOD + "...\n", GOOD + "...\nrest\n",
                "---\n" + GOOD, "---\n---\n" + GOOD, "--- # x\n" + GOOD, "%YAML 1.1\n---\n" + GOOD, "%YAML 1.2\n---\n" + GOOD, "%YAML 2.0\n---\n" + GOOD, GOOD + "--- a\n"]
    yield from ["\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), GOOD.replace("\n", "\r"), "groups:\n\t- name: g\n", "groups:\n- name: g\n\trules: []\n", GOOD + "\0",
                GOOD.encode("utf-16"), GOOD.encode("utf-16-be"), GOOD.encode() + b"# \xff\n", b"groups: [{name: \xff}]\n", rule("record: r, expr: up, labels: {a: \"\\xff\"}"),
                "groups: [{name: g\n", "groups: [{name: 'g}]\n", "groups: [{name: \"\\q\"}]\n", "groups:\n - name: g\n  rules: []\n", "groups: - a\n", "a: b: c\n", "@\n", "`\n", "*a\n"]
    yield from ["groups: [{name: &g g, rules: [{record: r, expr: &e up}, {record: s, expr: *e}]}]\n", "groups: [{name: *nope}]\n", "groups: &a [*a]\n",
                "a: &a {name: g}\n", "groups:\n- &a {name: g, interval: 1m, rules: []}\n- {<<: *a, name: h}\n- {name: i, <<: *a}\n",
                "groups:\n- name: g\n  rules:\n  - &a {record: r, expr: up, labels: {x: y}}\n  - <<: *a\n    record: s\n  - <<: *a\n    labels: {<<: {p: q}, z: w}\n",
                "groups:\n- name: g\n  rules:\n  - <<: [{record: r}, {record: s, expr: up}]\n  - <<: 1\n", "groups: [{<<: {name: g}, <<: {limit: 2}}]\n", "groups: [{<<: {name: g, nope: 1}}]\n",
                "groups: [{<<: null, name: g}]\n", "? groups\n: [{name: g}]\n", "? {a: b}\n: c\n", "1: 2\n", "groups: [{1: 2, name: g}]\n", "groups: [{name: g, null: 1}]\n"]
    yield from ["groups: [{name: g, name: g}]\n", "groups: [{name: g, name: h, rules: [], rules: []}]\n", rule("record: r, record: s, expr: up"), rule("record: r, expr: up, labels: {a: b, a: c}"),
                rule("alert: r, expr: up, annotations: {a: b, a: c}, labels: {a: b, a: c}"), "groups: [{name: g, labels: {a: b, a: c}}]\n"]
    yield "groups: " + "[" * 200 + "]" * 200 + "\n"
    yield "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi")) + "groups: []\n"


def groups():
    yield from ["groups: [{}]\n", "groups: [{name: ''}]\n", "groups: [{name: null}]\n", "groups: [{name: ~, rules: ~}]\n", "groups: [{name: g}, {name: g}]\n", "groups: [{name: g}, {name: g}, {name: g}]\n",
                "groups: [{name: [g]}]\n", "groups: [{name: {g: h}}]\n", "groups: [{name: 1}]\n", "groups: [{name: true}]\n", "groups: [{name: 1.50}]\n", "groups: [{name: 2020-01-01}]\n",
                "groups: [{name: 'x;y\\nz'}]\n", "groups: [{name: g, nope: 1}]\n", "groups: [{name: g, nope: 1, Rules: 2}]\n", "groups: [{name: g, rules: {}}]\n", "groups: [{name: g, rules: a}]\n", "groups: [{name: g, rules: [a]}]\n",
                "groups: [{name: g, rules: [null]}]\n", "groups: [{name: g, rules: [[]]}]\n", "groups: [{name: g, rules: [{}]}]\n"]
    for field, values in {"interval": ["1m", "0s", "0", "''", "null", "5", "1x", "-1m", "1.5m", "1m1h", "1h1m", "[1m]", "1000000y", "300y", "1d1w", "' 1m'", "1M"],
                          "query_offset": ["1m", "0s", "null", "''", "soon", "-5s", "5"], "limit": ["1", "0", "-1", "a", "1.0", "1.5", "'1'", "null", "1e3", "0x10", "010", "99999999999999999999", "true"],
                          "labels": ["{a: b}", "null", "[]", "a", "{a: 1}", "{a: null}", "{a: true}", "{a: [b]}", "{a: {b: c}}", "{'': x}", "{'1x': y}", "{__name__: y}", "{'a b': c}", "{null: c}", "{1: c}", "{a-b: c, __name__: d}"],
                          "partial_response_strategy": ["warn"], "source_tenants": ["[a]"]}.items():
        for value in values:
            yield "groups: [{name: g, " + f"{field}: {value}" + ", rules: [{record: r, expr: up}]}]\n"


def rules():
    for fields in ["record: r", "alert: a", "expr: up", "record: r, alert: a, expr: up", "record: r, alert: a", "record: '', alert: '', expr: up", "record: null, expr: up", "record: r, expr: ''",
                   "record: r, expr: null", "record: r, expr: 1", "record: r, expr: [up]", "record: r, expr: {a: b}", "record: [r], expr: up", "alert: {a: b}, expr: up", "record: 1, expr: up", "alert: 1, expr: up",
                   "alert: true, expr: true", "record: 'a b', expr: up", "record: a-b, expr: up", "record: 'a{b=\"c\"}', expr: up", "record: '{a}', expr: up", "record: '}', expr: up", "record: é, expr: up",
                   "record: r, expr: up, for: 1m", "record: r, expr: up, keep_firing_for: 1m", "record: r, expr: up, for: 0s, keep_firing_for: 0s", "record: r, expr: up, annotations: {a: b}",
                   "record: r, expr: up, annotations: {}", "record: r, expr: up, for: 1m, keep_firing_for: 2m, annotations: {a: b}", "record: 'a{', expr: '(', for: 1m, annotations: {a: b}, labels: {__name__: x}",
                   "alert: a, expr: up, for: 1", "alert: a, expr: up, for: soon, keep_firing_for: later", "alert: a, expr: up, for: ''", "alert: a, expr: up, for: null", "alert: a, expr: up, for: -1m",
                   "alert: a, expr: up, nope: 1", "alert: a, expr: up, nope: 1, For: 2, severity: page", "record: r, expr: up, labels: {__name__: x}", "record: r, expr: up, labels: {'': x}",
                   "record: r, expr: up, labels: {'a b': c, é: f}", "record: r, expr: up, labels: {a: '{{ nope }}'}", "alert: a, expr: up, labels: {__name__: x, '': y}", "alert: a, expr: up, annotations: {'': x, 'a b': c}",
                   "alert: a, expr: up, labels: [a]", "alert: a, expr: up, annotations: a", "alert: a, expr: up, labels: {a: [b]}", "alert: a, expr: up, labels: {a: 1, b: true, c: null, d: 1.50, e: 2020-01-01}",
                   "alert: 'a b ü', expr: up", "alert: '', expr: up, labels: {a: '{{'}", "record: r, alert: a, expr: up, annotations: {a: '{{'}, for: 1m",
                   "alert: 'a\"b', expr: up, labels: {a: '{{ nope }}'}", "record: ALERTS, expr: up", "record: __name__, expr: up"]:
        yield rule(fields)
    for expression in ["up ==", "(", ")", "up{", "up{a=}", "up{a=~'('}", "rate(up)", "rate(up[5m", "sum(", "1 +", "nope(up)", "up and 1", "\"a\"", "up[5m]", "up[5m:1m]", "{}", "{a=~'.*'}", "up offset", "up @ x", "topk(up)", "é", "up\\n  + down", "up #c",
                       "1 > bool", "1 > 2", "sum by up", "up{a=\"\\xff\"}", "histogram_quantile(up, 1)", "up or on(a) group_left down", "# only", "limitk(1, up)", "up smoothed", "up[1m+1m]", "fill(up, 1)", "info(up)"]:
        yield rule(f"record: r, expr: {expression!r}" if "'" not in expression else f'record: r, expr: "{expression}"')
    yield "groups:\n- name: g\n  rules:\n  - record: r\n    expr: |\n      up ==\n        1 +\n  - alert: a\n    expr: >-\n      sum(up)\n      by (job\n"
    yield "groups:\n- name: g\n  rules:\n  - record: r\n    expr: up\n  - record: r\n    expr: up\n  - alert: r\n    expr: up\n    labels: {a: b}\n- name: h\n  rules:\n  - alert: r\n    expr: up\n    labels: {a: b}\n"
    yield "groups:\n- name: g\n  rules:\n" + "".join(f"  - {{record: 'r{{', expr: '{'(' * n}'}}\n" for n in range(1, 5))
    yield "groups:\n- name: g\n  rules: [{expr: up}, {alert: a}, {record: r, expr: '('}]\n- rules: [{record: r, expr: up, for: 1m}]\n- name: g\n"


def templates():
    for text in ["{{", "}}", "{{ }}", "{{ nope }}", "{{ .Nope }}", "{{ $nope }}", "{{ $labels.a", "{{ $labels.a }", "{{ if }}", "{{ if 1 }}", "{{ end }}", "{{ else }}", "{{ range }}x{{ end }}", "{{ range $i, $v, $w := . }}{{ end }}", "{{ template }}", "{{ template \"x\" }}",
                 "{{ define x }}{{ end }}", "{{ define \"x\" }}", "{{ break }}", "{{ 1 | 2 }}", "{{ | }}", "{{ . | }}", "{{ \"a }}", "{{ `a }}", "{{ 'ab' }}", "{{ 1x }}", "{{ 09 }}", "{{ 1 2 }}", "{{ /* x }}", "{{/* x */}}", "{{- /* x */ -}}", "{{ /* x */ }}",
                 "{{ $x := 1 }}{{ $y }}", "{{ with $x := 1 }}{{ $x }}{{ end }}{{ $x }}", "{{ printf }}", "{{ printf \"%d\" }}", "{{ len }}", "{{ .a.b.c }}", "{{ ..a }}", "{{ (1 }}", "{{ 1) }}", "{{ nil }}", "{{ nil | printf }}", "{{ $labels . }}", "{{ \"\\q\" }}", "a\\n{{ nope }}",
                 "{{ humanize }}", "{{ query \"(\" }}", "{{ block \"b\" . }}x{{ end }}", "{{ block }}", "{{ else if 1 }}", "{{ if 1 }}{{ else }}{{ else }}{{ end }}", "{{ continue }}", "{{ range . }}{{ break }}{{ end }}", "{{ toDuration 1 }}", "{{ now }}", "{{ urlQueryEscape \"a\" }}",
                 "{{" + "(" * 300 + "1" + ")" * 300 + "}}", "{{ . }}" * 50, "{{if 1}}" * 40 + "{{end}}" * 40]:
        quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\\\\n", "\\n") + '"'
        yield rule(f"alert: A, expr: up, annotations: {{t: {quoted}}}")
    yield rule("alert: A, expr: up, labels: {a: '{{ nope }}', b: '{{ if }}'}, annotations: {c: '{{ end }}', d: '{{'}")
