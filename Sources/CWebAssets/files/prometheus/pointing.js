// Pointer and keys over a chart: the crosshair follows, a drag zooms in, a double click widens.

/** @param {import("./graph.js").Chart} chart */
export function listen(chart) {
    const { plot } = chart;
    let frame = 0;
    plot.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
        const box = plot.getBoundingClientRect();
        chart.pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
        chart.inside = true;
        frame ||= requestAnimationFrame(() => {
            frame = 0;
            chart.follow();
        });
    });
    plot.addEventListener("pointerleave", () => {
        chart.inside = false;
        if (chart.drag === null) {
            chart.hover = -1;
            if (chart.data) chart.point();
        }
    });
    plot.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
        if (event.button !== 0 || !chart.data || !chart.box) return;
        const box = plot.getBoundingClientRect();
        chart.drag = chart.pointer.x = event.clientX - box.left;
        plot.setPointerCapture(event.pointerId);
    });
    plot.addEventListener("pointerup", (/** @type {PointerEvent} */ event) => {
        chart.pointer.x = event.clientX - plot.getBoundingClientRect().left;
        chart.select();
    });
    plot.addEventListener("pointercancel", () => {
        chart.drag = null;
        chart.drawOver();
    });
    plot.addEventListener("dblclick", () => chart.wider());
    plot.addEventListener("blur", () => {
        chart.hover = -1;
        chart.drag = null;
        if (chart.data) chart.point();
    });
    plot.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
        const data = chart.data;
        if (!data || !chart.box) return;
        if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
            const by = event.key === "ArrowLeft" ? -1 : 1;
            const from = chart.hover < 0 ? (by > 0 ? -1 : data.times.length) : chart.hover;
            if (event.shiftKey && chart.drag === null && chart.hover >= 0)
                chart.drag = chart.x(data.times[chart.hover]);
            chart.hover = Math.min(data.times.length - 1, Math.max(0, from + by * (event.ctrlKey ? 10 : 1)));
            chart.pointer.x = chart.x(data.times[chart.hover]);
            chart.point(true);
        } else if (event.key === "Enter") chart.select();
        else if (event.key === "Escape") {
            chart.drag = null;
            chart.hover = -1;
            chart.point();
        } else if (event.key === "-") chart.wider();
        else return;
        event.preventDefault();
    });
}
