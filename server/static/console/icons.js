/**
 * Signs of the console, drawn with the text's colour. A decoration: what it means is always said in words too.
 * @module
 */

const PATHS = {
  queue: "M4 6h16M4 12h16M4 18h10",
  appeals: "M12 4v16M5 8l-3 6h6zM19 8l-3 6h6zM5 8l7-2 7 2",
  quality: "M4 20V10M10 20V4M16 20v-7M21 20H3",
  policies: "M7 3h8l4 4v14H7zM15 3v4h4M10 12h6M10 16h6",
  audit: "M12 3 20 6v6c0 4.5-3.5 7.5-8 9-4.5-1.5-8-4.5-8-9V6zM8.5 12l2.5 2.5 4.5-4.5",
  staff: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.5a6.5 6.5 0 0 1 3.5 5.5",
  account: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21a8 8 0 0 1 16 0",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M16 16l5 5",
  close: "m6 6 12 12M18 6 6 18",
  check: "m5 13 4 4L19 7",
  plus: "M12 5v14M5 12h14",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5",
  out: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  help: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 17h.01",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6",
  back: "M15 5l-7 7 7 7",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3 2",
  flag: "M6 21V4M6 5h12l-3 4 3 4H6",
  hold: "M8 5v14M16 5v14",
  scales: "M12 4v16M8 20h8M5 8l-3 6h6zM19 8l-3 6h6zM5 8l7-2 7 2",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
};

/** @typedef {keyof typeof PATHS} Sign */

const SVG = "http://www.w3.org/2000/svg";

/** @param {Sign} name @returns {SVGElement} */
export function sign(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
