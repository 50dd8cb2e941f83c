// The page's own script: colours, the choice among figures, and the controls of each table.
const root = document.documentElement;
const compact = window.matchMedia("(max-width: 40rem)");

const ink = (name) => getComputedStyle(root).getPropertyValue(name).trim();

function themed(layout, entries, width) {
  const axis = { gridcolor: ink("--grid"), linecolor: ink("--rule"), zerolinecolor: ink("--rule") };
  const dressed = (given) => ({ ...axis, ...given });
  // A label covers the lines below it, but lets them shine through a little.
  const label = (note) => ({ bgcolor: `${ink("--paper")}cc`, ...note,
    font: { ...note.font, color: ink(note.name === "quiet" ? "--quiet" : "--ink") } });
  const columns = Math.max(1, Math.floor(width / 210));
  const shown = layout.showlegend ?? entries > 1;
  const legend = shown ? Math.ceil(entries / columns) * 21 + 16 : 0;
  const height = (layout.height ?? (compact.matches ? 360 : 460)) + legend;
  return {
    ...layout,
    height,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink("--ink"), family: getComputedStyle(document.body).fontFamily, size: 12 },
    // The tool bar has the strip above the figure for itself; a title stands below it.
    margin: { t: layout.title ? 56 : 30, r: 16, b: 56, l: compact.matches ? 48 : 64 },
    title: layout.title && { ...layout.title, x: 0, xref: "paper", xanchor: "left",
      y: 1, yref: "paper", yanchor: "bottom", pad: { b: 8 } },
    annotations: layout.annotations?.map(label),
    hoverlabel: { align: "left", namelength: -1 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: ink("--quiet"), activecolor: ink("--ink") },
    showlegend: shown,
    legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom", x: 0,
      font: { size: 11 }, ...layout.legend },
    xaxis: dressed(layout.xaxis),
    yaxis: dressed(layout.yaxis),
  };
}

function draw(figure) {
  const key = [...figure.querySelectorAll(".choices select")].map((s) => s.value).join("-");
  const source = figure.querySelector(`script[data-key="${key}"]`);
  const target = figure.querySelector(".drawing");
  if (!source) return;
  const { data, layout: given, compact: narrow } = JSON.parse(source.textContent);
  const layout = compact.matches ? { ...given, ...narrow } : given;
  const entries = data.filter((trace) => trace.name && trace.showlegend !== false).length;
  const options = {
    responsive: true,
    displaylogo: false,
    displayModeBar: compact.matches ? false : "hover",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]], // none that sends the data away
  };
  Plotly.react(target, data, themed(layout, entries, target.clientWidth), options);
  // To a screen reader the drawing is one picture with the caption as its text; its buttons stay.
  for (const [layer, svg] of target.querySelectorAll(".main-svg").entries()) {
    if (layer === 0) svg.setAttribute("role", "img");
    if (layer === 0) svg.setAttribute("aria-labelledby", figure.getAttribute("aria-labelledby"));
    else svg.setAttribute("aria-hidden", "true");
  }
  figure.dataset.drawn = key;
}

const figures = [...document.querySelectorAll("figure.plot")];
// A figure is drawn when it comes near: opening a long page takes no longer than a short one.
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && target.dataset.drawn === undefined) draw(target);
    }
  },
  { rootMargin: "600px" },
);
for (const figure of figures) {
  watcher.observe(figure);
  figure.addEventListener("change", () => draw(figure));
}
const redraw = () => figures.filter((f) => f.dataset.drawn !== undefined).forEach(draw);
compact.addEventListener("change", redraw);
window.addEventListener("beforeprint", () => figures.forEach(draw));

const choice = document.getElementById("theme");
function setTheme(value) {
  if (value) root.dataset.theme = value;
  else delete root.dataset.theme;
  redraw();
}
choice.addEventListener("change", () => {
  setTheme(choice.value);
  try {
    localStorage.setItem("theme", choice.value);
  } catch {
    // A page from a file may have no storage: the choice then holds until it is closed.
  }
});
try {
  choice.value = localStorage.getItem("theme") ?? "";
} catch {
  choice.value = "";
}
setTheme(choice.value);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

const FILTERED = 8;
for (const table of document.querySelectorAll("table")) {
  const rows = table.tBodies[0].rows.length;
  const shown = Number(table.dataset.pageLength);
  const paged = rows > shown;
  new DataTable(table, {
    autoWidth: false,
    order: [],
    paging: paged,
    lengthMenu: [shown, 100, { label: "all", value: -1 }],
    searching: rows > FILTERED,
    layout: {
      topStart: rows > FILTERED ? "search" : null,
      topEnd: paged ? "pageLength" : null,
      bottomStart: paged ? "info" : null,
      bottomEnd: paged ? "paging" : null,
    },
    language: { search: "Filter", lengthMenu: "_MENU_ rows a page" },
  });
  const what = table.caption.textContent;
  const around = table.closest(".dt-container");
  around.querySelector("nav")?.setAttribute("aria-label", `Pages of ${what}`);
  around.querySelector(".dt-search input")?.setAttribute("aria-label", `Filter ${what}`);
}
root.dataset.ready = "";
