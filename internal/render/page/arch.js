// Zooming with the wheel, a drag, + and - and the arrow keys; tracing the
// imports of a node that is pointed at or has the focus. The page says the same
// without it.
(() => {
  for (const svg of document.querySelectorAll(".view svg")) {
    const whole = svg.getAttribute("viewBox").split(" ").map(Number);
    let box = whole.slice();
    const show = () => svg.setAttribute("viewBox", box.join(" "));
    const zoom = (factor, px = 0.5, py = 0.5) => {
      const w = Math.min(Math.max(box[2] * factor, whole[2] / 60), whole[2]);
      const h = whole[3] * w / whole[2];
      box = [box[0] + (box[2] - w) * px, box[1] + (box[3] - h) * py, w, h];
      move(0, 0);
    };
    const move = (dx, dy) => {
      const hold = (at, size, from, all) => Math.min(Math.max(at, from), from + all - size);
      box[0] = hold(box[0] + dx, box[2], whole[0], whole[2]);
      box[1] = hold(box[1] + dy, box[3], whole[1], whole[3]);
      show();
    };
    const place = (e) => {
      const r = svg.getBoundingClientRect();
      return [(e.clientX - r.left) / r.width, (e.clientY - r.top) / r.height];
    };
    svg.addEventListener("wheel", (e) => {
      if (!e.ctrlKey && document.activeElement !== svg) return; // a page that scrolls is no map that zooms
      e.preventDefault();
      zoom(e.deltaY > 0 ? 1.15 : 1 / 1.15, ...place(e));
    }, { passive: false });
    svg.addEventListener("dblclick", (e) => zoom(0.5, ...place(e)));
    let from = null;
    svg.addEventListener("pointerdown", (e) => { from = place(e); });
    addEventListener("pointerup", () => { from = null; });
    svg.addEventListener("pointermove", (e) => {
      if (!from) return;
      const to = place(e);
      move((from[0] - to[0]) * box[2], (from[1] - to[1]) * box[3]);
      from = to;
    });
    svg.addEventListener("keydown", (e) => {
      const step = box[2] / 8;
      const keys = { "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1 / 0.7), 0: () => { box = whole.slice(); show(); },
        ArrowLeft: () => move(-step, 0), ArrowRight: () => move(step, 0), ArrowUp: () => move(0, -step), ArrowDown: () => move(0, step) };
      if (keys[e.key]) { e.preventDefault(); keys[e.key](); }
    });
  }

  const graph = document.querySelector("#graph svg");
  if (!graph) return;
  const arcs = [...graph.querySelectorAll(".arc")];
  const nodes = [...graph.querySelectorAll(".node")];
  const trace = (node) => {
    graph.classList.toggle("traced", !!node);
    const near = new Set();
    for (const arc of arcs) {
      const on = node && (arc.dataset.f === node.dataset.i || arc.dataset.t === node.dataset.i);
      arc.classList.toggle("on", !!on);
      if (on) near.add(arc.dataset.f).add(arc.dataset.t);
    }
    for (const n of nodes) n.classList.toggle("on", n === node || near.has(n.dataset.i));
  };
  for (const node of nodes) {
    node.addEventListener("mouseenter", () => trace(node));
    node.addEventListener("mouseleave", () => trace(null));
    node.addEventListener("focus", () => trace(node));
    node.addEventListener("blur", () => trace(null));
  }
})();
