// Answers to take away: CSV and PNG. Loaded when asked for.

import { plain } from "../shared/format.js";

/** @param {string} text */
function cell(text) {
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/**
 * One row a step, one column a series.
 * @param {Float64Array} times
 * @param {import("./results.js").Series[]} series
 */
export function csvOfGraph(times, series) {
    const rows = [["time", ...series.map((one) => one.name)].map(cell).join(",")];
    times.forEach((time, i) =>
        rows.push(
            [
                new Date(Math.round(time * 1000)).toISOString(),
                ...series.map((one) =>
                    one.histograms?.[i]
                        ? cell(one.histograms[i]?.count)
                        : Number.isNaN(one.values[i])
                          ? ""
                          : plain(one.values[i], 17),
                ),
            ].join(","),
        ),
    );
    return rows.join("\r\n") + "\r\n";
}

/**
 * One row a series: its labels, time and value.
 * @param {any[]} vector
 */
export function csvOfTable(vector) {
    const names = [...new Set(vector.flatMap((one) => Object.keys(one.metric)))].sort();
    const rows = [[...names, "timestamp", "value"].map(cell).join(",")];
    for (const one of vector) {
        for (const [time, value] of one.values ?? (one.value ? [one.value] : []))
            rows.push([...names.map((name) => cell(one.metric[name] ?? "")), time, value].join(","));
        for (const [time, histogram] of one.histograms ?? (one.histogram ? [one.histogram] : []))
            rows.push(
                [
                    ...names.map((name) => cell(one.metric[name] ?? "")),
                    time,
                    `count=${histogram.count} sum=${histogram.sum}`,
                ].join(","),
            );
    }
    return rows.join("\r\n") + "\r\n";
}

/**
 * A chart with its legend as a PNG.
 * @param {import("./graph.js").Chart} chart
 * @param {string} title
 * @returns {Promise<Blob | null>}
 */
export function pictureOf(chart, title) {
    const ratio = window.devicePixelRatio || 1,
        line = chart.font * 1.6;
    const shown = chart.visible().slice(0, 30);
    const canvas = document.createElement("canvas");
    canvas.width = chart.base.width;
    canvas.height = chart.base.height + line * (shown.length + 2.5) * ratio;
    const g = chart.context(canvas, ratio);
    g.fillStyle = chart.colours.surface;
    g.fillRect(0, 0, canvas.width, canvas.height);
    g.font = `600 ${chart.font * 1.15}px ${chart.family}`;
    g.fillStyle = chart.colours.ink;
    g.fillText(title, 12, line * 1.2);
    g.drawImage(chart.base, 0, line * 1.8, chart.plot.clientWidth, chart.plot.clientHeight);
    g.font = `${chart.font}px ${chart.family}`;
    shown.forEach(({ one, index }, i) => {
        const y = line * (2.4 + i) + chart.plot.clientHeight;
        g.fillStyle = chart.colours.series[index % chart.colours.series.length];
        g.fillRect(12, y - chart.font * 0.75, chart.font, chart.font * 0.75);
        g.fillStyle = chart.colours.ink;
        g.fillText(one.name, 12 + chart.font * 1.6, y);
    });
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
