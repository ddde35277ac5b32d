// Runs before the first paint (a classic script in <head>): a chosen theme must not flash, nor a chosen size.
try {
    const theme = localStorage.getItem("theme");
    if (localStorage.getItem("size") === "large") document.documentElement.dataset.size = "large";
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
    /* storage switched off: the system's theme */
}
