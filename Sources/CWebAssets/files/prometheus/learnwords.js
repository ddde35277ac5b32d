// The words of the lessons' pages in the languages that the lessons come in. A test compares the languages.

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
        guess: "First guess",
        answer: "Choose an answer to go on.",
        right: "That is how it is.",
        wrong: "It is otherwise: “{0}”.",
        yours: "your guess",
        truth: "so it is",
        do: "Do it",
        try: "Try it yourself",
        undone: "When you go on, the lesson continues without what you tried.",
        claims: "Checked at this moment",
        nothing: "no series",
        real: "Ask the running stack",
        value: "value",
        series: "series",
        runs: "what happened: runs of {0}",
        scrapes: "what the scraper saw: {0}",
        held: "what the Pushgateway held: {0}",
        answers: "what a query answers: {0}",
        found: "found",
        missed: "nobody there",
        failed: "failed",
        picture: "{0} runs, {1} scrapes that found something and {2} that did not, until {3}",
        end: "That was the lesson. {0}",
        more: "Next lesson",
        lost: "The lesson cannot be shown: {0}",
    },
    ja: {
        language: "日本語",
        learn: "学ぶ",
        intro:
            "レッスンは、それぞれ専用の小さなシミュレーションのスタックで動きます。時間は、先へ進むだけ速く過ぎます。" +
            "動いているスタックのサンプルには、いっさい触れません。",
        keys: "スペースキーで進み、左矢印キーで戻ります。",
        open: "始める",
        goOn: "続ける",
        again: "もう一度",
        done: "完了",
        begun: "途中",
        choose: "言語",
        all: "レッスン一覧",
        step: "ステップ {0} / {1}",
        time: "シミュレーションの時刻 {0}（開始から {1}）",
        next: "次へ",
        nextStep: "次のステップ",
        back: "戻る",
        guess: "まず予想",
        answer: "答えを選ぶと先へ進みます。",
        right: "そのとおりです。",
        wrong: "実際は「{0}」です。",
        yours: "あなたの予想",
        truth: "正解",
        do: "やってみる",
        try: "自由に試す",
        undone: "先へ進むと、ここで試したことはなかったことになります。",
        claims: "この時点で確かめたこと",
        nothing: "系列なし",
        real: "動いているスタックに問い合わせる",
        value: "値",
        series: "系列",
        runs: "起きたこと：{0} の実行",
        scrapes: "スクレイパーが見たもの：{0}",
        held: "Pushgatewayが持っていたもの：{0}",
        answers: "クエリの答え：{0}",
        found: "見つけた",
        missed: "誰もいない",
        failed: "失敗",
        picture: "{3}まで：実行 {0} 回、見つけたスクレイプ {1} 回、見つけられなかったスクレイプ {2} 回",
        end: "レッスンはこれで終わりです。{0}",
        more: "次のレッスン",
        lost: "レッスンを表示できません：{0}",
    },
};

/**
 * A word with what belongs into it.
 * @param {string} language
 * @param {string} name
 * @param {...(string | number)} parts
 */
export function word(language, name, ...parts) {
    const text = (words[language] ?? words.en)[name] ?? words.en[name];
    return text.replace(/\{(\d)\}/g, (_, index) => String(parts[Number(index)] ?? ""));
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
