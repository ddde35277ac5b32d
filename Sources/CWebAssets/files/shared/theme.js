// Runs before the first paint (a classic script in <head>): a chosen theme must not flash, nor a chosen size. They are
// kept in cookies (components.js), which the servers of a stack share: a cookie is for a host, whatever the port.
try {
    const kept = document.cookie.split("; ");
    const root = document.documentElement;
    if (kept.includes("promenade-size=large")) root.dataset.size = "large";
    for (const theme of ["light", "dark"]) if (kept.includes(`promenade-theme=${theme}`)) root.dataset.theme = theme;
} catch {
    /* cookies switched off: the system's theme */
}
