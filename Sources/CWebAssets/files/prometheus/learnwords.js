// The words of the lessons' pages in the languages that the lessons come in. A test compares the languages.

import { phrase } from "../shared/format.js";

/** @type {Record<string, Record<string, string>>} */
export const words = {
    en: {
        language: "English",
        learn: "Learn",
        intro:
            "Each lesson runs in a small simulated stack of its own: time passes as fast as you go on, and nothing " +
            "here touches the samples of the running stack.",
        keys: "Space goes on, the left arrow goes back.",
        open: "Begin",
        goOn: "Continue",
        again: "Once more",
        done: "done",
        begun: "begun",
        choose: "Language",
        all: "All lessons",
        step: "Step {0} of {1}",
        time: "Simulated time {0}, {1} after the start",
        next: "Next",
        nextStep: "Next step",
        back: "Back",
        guess: "Guess first",
        answer: "Choose an answer to go on.",
        right: "Right.",
        wrong: "Not so: “{0}”.",
        yours: "your guess",
        truth: "true",
        do: "Do it",
        try: "Try it yourself",
        undone: "When you go on, the lesson continues without what you tried.",
        anew: "You were away for a long time. What you had tried is gone; the lesson goes on from this step.",
        ended: "This lesson’s world ends here, {0} after its start: no more time passes in it.",
        claims: "Checked at this moment",
        nothing: "no series",
        real: "Ask the running stack",
        value: "value",
        series: "series",
        scrapedWay: "Scraped: {0}",
        pushedWay: "Pushed: {0}",
        runs: "what happened: runs",
        lives: "what happened: alive",
        requested: "what happened: requests",
        scrapes: "what the scraper saw",
        held: "what the Pushgateway held",
        answers: "what a query answers",
        found: "seen, with its value",
        empty: "answered, without this number",
        missed: "nobody there",
        push: "a push",
        silent: "no answer",
        failed: "failed",
        picture: "What happened until {0}. {1}",
        toldWay:
            "{0}: {1} times something happened; of the scrapes {2} saw the number, {3} came without it, " +
            "{4} found nobody; the query answers {5}.",
        explain: "Explain",
        explainNote: "How the lesson’s server came to this answer, at {0} after the start.",
        permalink: "Link to this moment",
        copied: "The link is in the clipboard.",
        request: "request",
        left: "what the group held then",
        new: "new",
        kept: "stays",
        renewed: "replaced",
        gone: "gone",
        noGroup: "nothing",
        notYet: "No request yet.",
        over: "That was the course. To see how much you have learnt:",
        more: "Next lesson",
        check: "Ten questions",
        byHand: "The whole way by hand: the tutorial",
        unknown: "There is no lesson “{0}”.",
        foreign: "This lesson has no texts in this language yet.",
        lost: "The lesson cannot be shown: {0}",
        full: "All places are taken at the moment. The lesson begins by itself as soon as there is one.",
        after: "Afterwards:",
        stored: "stored",
    },
    ja: {
        language: "日本語",
        learn: "学ぶ",
        intro:
            "レッスンは、それぞれ専用の小さなシミュレーションのスタックで動きます。時間は、先へ進めた分だけ経過します。" +
            "ここで何をしても、実際に動いているスタックのサンプルには影響しません。",
        keys: "スペースキーで進み、左矢印キーで戻ります。",
        open: "始める",
        goOn: "続ける",
        again: "もう一度",
        done: "完了",
        begun: "途中",
        choose: "言語",
        all: "レッスン一覧",
        step: "ステップ {0} / {1}",
        time: "シミュレーションの時刻 {0}（開始から{1}）",
        next: "次へ",
        nextStep: "次のステップ",
        back: "戻る",
        guess: "まず予想する",
        answer: "答えを選ぶと先へ進みます。",
        right: "そのとおりです。",
        wrong: "実際は「{0}」です。",
        yours: "あなたの予想",
        truth: "正解",
        do: "やってみる",
        try: "自由に試す",
        undone: "先へ進むと、ここで試したことは取り消されます。",
        anew: "しばらく操作がなかったので、試したことは取り消されました。レッスンはこのステップから続きます。",
        ended: "このレッスンのシミュレーションは、開始から{0}で終わりです。これ以上、時間は進みません。",
        claims: "この時点で確かめたこと",
        nothing: "系列なし",
        real: "実際のスタックに問い合わせる",
        value: "値",
        series: "系列",
        scrapedWay: "スクレイプ：{0}",
        pushedWay: "プッシュ：{0}",
        runs: "起きたこと：実行",
        lives: "起きたこと：稼働",
        requested: "起きたこと：リクエスト",
        scrapes: "スクレイパーが見たもの",
        held: "Pushgatewayが持っていたもの",
        answers: "クエリの結果",
        found: "値が見えた",
        empty: "応答はあるが、この値はない",
        missed: "応答なし",
        push: "プッシュ",
        silent: "結果なし",
        failed: "失敗",
        picture: "{0}までに起きたこと。{1}",
        toldWay:
            "{0}では、出来事が{1}回ありました。スクレイプのうち、値が見えたのは{2}回、値がなかったのは{3}回、" +
            "応答がなかったのは{4}回です。クエリの結果は「{5}」です。",
        explain: "Explain（計算のしくみ）",
        explainNote: "レッスンのサーバーがこの答えを出すまでの計算です（開始から{0}の時点）。",
        permalink: "この時点へのリンク",
        copied: "リンクをクリップボードにコピーしました。",
        request: "リクエスト",
        left: "そのあとグループにあったもの",
        new: "新規",
        kept: "そのまま",
        renewed: "置き換え",
        gone: "消えた",
        noGroup: "何もない",
        notYet: "リクエストはまだありません。",
        over: "コースはこれで終わりです。理解できたか確かめてみましょう。",
        more: "次のレッスン",
        check: "10の問題",
        byHand: "すべてを自分の手で試す：チュートリアル",
        unknown: "「{0}」というレッスンはありません。",
        foreign: "このレッスンには、まだ日本語のテキストがありません。",
        lost: "レッスンを表示できません：{0}",
        full: "ただいま満席です。空きができしだい、レッスンが自動的に始まります。",
        after: "終わったら：",
        stored: "保存",
    },
};

/**
 * A word with what belongs into it.
 * @param {string} language
 * @param {string} name
 * @param {...(string | number)} parts
 */
export function word(language, name, ...parts) {
    return phrase((words[language] ?? words.en)[name] ?? words.en[name], parts).join("");
}

/**
 * A span of time in short: 5m16s.
 * @param {number} milliseconds
 */
export function shortSpan(milliseconds) {
    const seconds = Math.round(milliseconds / 1000);
    const parts = [
        [Math.floor(seconds / 3600), "h"],
        [Math.floor(seconds / 60) % 60, "m"],
        [seconds % 60, "s"],
    ];
    const text = parts
        .filter(([count]) => count)
        .map(([count, unit]) => `${count}${unit}`)
        .join("");
    return text || "0s";
}

const UNITS = { ja: { d: "日", h: "時間", m: "分", min: "分", s: "秒", ms: "ミリ秒" } };

/**
 * A span of time (1m10s, 4 min 45 s) as a language writes it in sentences; any other text as it is.
 * @param {string} language
 * @param {string} text
 */
export function inWords(language, text) {
    const units = /** @type {Record<string, Record<string, string>>} */ (UNITS)[language];
    if (!units || !/^(\d[\d.]* ?(ms|min|[dhms]) ?)+$/.test(text)) return text;
    const written = text.replace(/(\d) ?(ms|min|[dhms])(?![a-z])/g, (_, digit, unit) => digit + units[unit]);
    return written.replace(/(日|時間|分|秒) (?=\d)/g, "$1");
}

/**
 * A span of time in a sentence: 5m16s, 5分16秒.
 * @param {string} language
 * @param {number} milliseconds
 */
export function spanWords(language, milliseconds) {
    return inWords(language, shortSpan(milliseconds));
}

/**
 * Sentences one after the other; those that are no whole ones get their full stop.
 * @param {string} language
 * @param {string[]} parts
 */
export function sentences(language, parts) {
    const [stop, gap] = language === "ja" ? ["。", ""] : [".", " "];
    return parts.map((one) => (/[.?!。？！]$/.test(one) ? one : one + stop)).join(gap);
}

/**
 * The steps of the axis that leave each label its place.
 * @param {number} span milliseconds
 * @param {number} [width] pixels
 */
export function axisStep(span, width = 760) {
    const most = Math.max(2, Math.min(10, Math.floor(width / 75)));
    const steps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400].map((one) => one * 1000);
    return steps.find((step) => span / step <= most) ?? 28800000;
}

/**
 * About how wide a text is in a picture: nothing may depend on it but what is left out for want of place.
 * @param {string} text
 */
export function textWidth(text) {
    let width = 0;
    for (const one of text) width += one.codePointAt(0) > 0x2e7f ? 13.5 : 7.6;
    return width;
}
