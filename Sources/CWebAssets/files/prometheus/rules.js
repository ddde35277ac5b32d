import { h } from "../shared/dom.js";

/** @param {HTMLElement} main */
export function show(main) {
    main.append(h("h1", null, document.title));
}
