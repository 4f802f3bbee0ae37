/**
 * Lines over time, drawn by uPlot (vendored), which is loaded when the first one is wanted.
 * @module
 */

import { h } from "../chat/dom.js";

const AT = "/static/vendor/uplot";
const HEIGHT = 200;

/** @type {Promise<any> | null} */
let loading = null;

function load() {
  loading ??= new Promise((resolve, reject) => {
    document.head.append(h("link", { rel: "stylesheet", href: `${AT}/uPlot.min.css` }));
    document.head.append(h("script", { src: `${AT}/uPlot.iife.min.js`, onload: () => resolve(/** @type {any} */ (globalThis).uPlot), onerror: () => reject(new Error("uPlot")) }));
  });
  return loading;
}

/**
 * @param {string} title
 * @param {number[]} times milliseconds
 * @param {{name: string, colour: string, values: number[]}[]} series `colour` names a custom property
 * @param {string} lang
 * @returns {Promise<{element: HTMLElement, close: () => void}>}
 */
export async function chart(title, times, series, lang) {
  const uPlot = await load();
  const element = h("figure", { class: "chart" }, h("figcaption", {}, title));
  const figures = h("table", { class: "aside" }, h("caption", {}, title), h("tbody", {}, times.map((at, n) => h("tr", {}, h("th", { scope: "row" }, new Date(at).toLocaleDateString(lang)), series.map(({ name, values }) => h("td", {}, `${name}: ${values[n]}`))))));
  const style = getComputedStyle(document.documentElement);
  const paint = (/** @type {string} */ name) => {
    // The canvas knows no light-dark(): the browser resolves the colour on an element of the page.
    const probe = h("i", { hidden: true });
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
  const axis = { stroke: paint("muted"), grid: { stroke: paint("line"), width: 1 }, ticks: { stroke: paint("line"), width: 1 }, font: `11px ${style.getPropertyValue("--font")}` };
  const day = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short" });
  const drawn = new uPlot(
    {
      width: 480, height: HEIGHT, cursor: { drag: { x: false, y: false } }, legend: { live: true },
      // The legend has figures only while a day is pointed at.
      hooks: { setCursor: [(/** @type {any} */ { cursor }) => element.classList.toggle("pointed", (cursor.idx ?? null) !== null)] },
      scales: { x: { time: true }, y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [0, Math.max(5, most * 1.1)] } },
      axes: [{ ...axis, values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map((each) => day.format(each * 1000)) }, { ...axis, size: 44 }],
      series: [{ value: (/** @type {any} */ _, /** @type {number | null} */ at) => (at === null ? "" : day.format(at * 1000)), label: " " }, ...series.map(({ name, colour }) => ({ label: name, stroke: paint(colour), width: 2, points: { show: times.length < 3 } }))],
    },
    [times.map((at) => at / 1000), ...series.map(({ values }) => values)],
    element,
  );
  element.append(figures);
  const observer = new ResizeObserver(([entry]) => drawn.setSize({ width: Math.max(240, Math.floor(entry.contentRect.width)), height: HEIGHT }));
  observer.observe(element);
  return { element, close: () => (observer.disconnect(), drawn.destroy()) };
}
