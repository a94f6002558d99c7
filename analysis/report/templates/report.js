"use strict";
// What the page does beyond being read: it copies tables and texts, opens everything for print, and links its
// maps. Nothing is fetched, and nothing is put into the page as markup: texts are set as text.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const said = document.getElementById("said");

  const say = text => {
    // Emptied first, so that the same words are announced again.
    said.textContent = "";
    setTimeout(() => { said.textContent = text; }, 50);
  };

  // Copying

  const csvOf = link => {
    const bytes = Uint8Array.from(atob(link.href.slice(link.href.indexOf(",") + 1)), one => one.charCodeAt(0));
    // The decoder drops the mark at the beginning, which only files need.
    return new TextDecoder().decode(bytes);
  };

  const textOf = element => {
    const paragraphs = [...element.querySelectorAll("p")];
    return paragraphs.length ? paragraphs.map(one => one.textContent).join("\n\n") : element.textContent;
  };

  const copySelected = text => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };

  const copy = async text => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // No clipboard for this page in this browser.
      return copySelected(text);
    }
  };

  for (const button of document.querySelectorAll("button.copy")) {
    const { from, label } = button.dataset;
    const words = button.textContent;
    button.setAttribute("aria-label", `${words}: ${label}`);
    button.hidden = false;
    button.addEventListener("click", async () => {
      const link = button.parentElement.querySelector("a");
      const text = from ? textOf(document.getElementById(from)) : csvOf(link);
      const done = await copy(text);
      button.focus();
      button.textContent = done ? "Copied" : "Not copied";
      setTimeout(() => { button.textContent = words; }, 2500);
      say(done ? `Copied: ${label}` : `This browser does not let a page copy. ${label} was not copied.`);
    });
  }

  // Print

  const opened = [];
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) {
      one.open = true;
      opened.push(one);
    }
  });
  addEventListener("afterprint", () => { for (const one of opened.splice(0)) one.open = false; });

  // Linked maps

  const element = (name, attributes, parent) => {
    const one = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    if (parent) parent.append(one);
    return one;
  };

  // Rings of a district as absolute vertices, with the box around them.
  const unfold = rings => {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    const vertices = rings.map(steps => {
      const ring = [];
      let x = 0, y = 0;
      for (let k = 0; k < steps.length; k += 2) {
        x += steps[k];
        y += steps[k + 1];
        ring.push(x, y);
        box[0] = Math.min(box[0], x);
        box[1] = Math.min(box[1], y);
        box[2] = Math.max(box[2], x);
        box[3] = Math.max(box[3], y);
      }
      return ring;
    });
    return { vertices, box };
  };

  const outline = ({ vertices }) => vertices.map(ring => {
    let path = "";
    for (let k = 0; k < ring.length; k += 2) path += `${k ? "L" : "M"}${ring[k]} ${ring[k + 1]}`;
    return `${path}Z`;
  }).join("");

  // Even-odd, so that a hole is not inside.
  const inside = ({ vertices, box }, x, y) => {
    if (x < box[0] || y < box[1] || x > box[2] || y > box[3]) return false;
    let odd = false;
    for (const ring of vertices) {
      for (let k = 0, j = ring.length - 2; k < ring.length; j = k, k += 2) {
        if ((ring[k + 1] > y) !== (ring[j + 1] > y) &&
            x < (ring[j] - ring[k]) * (y - ring[k + 1]) / (ring[j + 1] - ring[k + 1]) + ring[k]) odd = !odd;
      }
    }
    return odd;
  };

  const told = (shown, k) => {
    const value = shown.values[k];
    if (value === null) return shown.why;
    if (shown.classes) return shown.classes[value];
    const digits = { minimumFractionDigits: shown.digits, maximumFractionDigits: shown.digits };
    const text = value.toLocaleString("en", digits);
    return text.replace(/^-(?=[0.,]*$)/, "").replace("-", "−");
  };

  // A map: its layer over the picture, with a window (a nested svg in steps of the grid) for the map and one
  // for its inset.
  const layOver = (figure, districts) => {
    const { windows, shown } = JSON.parse(figure.querySelector("script").textContent);
    const image = figure.querySelector("img");
    const [width, height] = ["width", "height"].map(name => Number(image.getAttribute(name)));
    const layer = element("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", class: "layer" });
    image.after(layer);
    const { west, north, step } = districts;
    const placed = windows.map(({ bounds, place }) => {
      const [left, top, wide, high] = [
        place[0] * width, place[1] * height, place[2] * width, place[3] * height];
      const [x, y] = [(bounds[0] - west) / step, (north - bounds[3]) / step];
      const [across, down] = [(bounds[2] - bounds[0]) / step, (bounds[3] - bounds[1]) / step];
      const view = element("svg", {
        x: left, y: top, width: wide, height: high,
        viewBox: `${x} ${y} ${across} ${down}`, preserveAspectRatio: "none",
      }, layer);
      const lines = ["halo", "line"].map(name =>
        element("path", { class: name, "vector-effect": "non-scaling-stroke" }, view));
      const ring = element("circle", { class: "ring", r: 9 }, layer);
      ring.style.display = "none";
      return { left, top, wide, high, x, y, across, down, lines, ring };
    });
    return { layer, width, height, shown, placed, readout: figure.querySelector(".readout") };
  };

  const link = (data, figures) => {
    const shapes = data.outlines.map(unfold);
    const maps = figures.map(figure => layOver(figure, data));
    const select = document.getElementById("find");
    const hint = "No district chosen";
    let kept = -1, current = -1;

    const numbers = (map, k) => map.shown.map(one => `${one.label}: ${told(one, k)}`);

    const mark = (map, k) => {
      for (const at of map.placed) {
        const path = k < 0 ? "" : outline(shapes[k]);
        for (const line of at.lines) line.setAttribute("d", path);
        const centre = k < 0 ? null : data.centres[k];
        const box = k < 0 ? null : shapes[k].box;
        const scale = at.wide / at.across;
        // Too small to be seen by its outline, or a point: a ring around it.
        const small = centre && !((box[2] - box[0]) * scale > 14 || (box[3] - box[1]) * scale > 14);
        const x = centre ? (centre[0] - at.x) / at.across : -1;
        const y = centre ? (centre[1] - at.y) / at.down : -1;
        const seen = small && x >= 0 && x <= 1 && y >= 0 && y <= 1;
        at.ring.style.display = seen ? "" : "none";
        if (seen) {
          at.ring.setAttribute("cx", at.left + x * at.wide);
          at.ring.setAttribute("cy", at.top + y * at.high);
        }
      }
      map.readout.textContent = k < 0 ? hint : `${data.names[k]} – ${numbers(map, k).join("; ")}`;
    };

    const show = k => {
      if (k === current) return;
      current = k;
      for (const map of maps) mark(map, k);
    };

    const keep = (k, announced) => {
      kept = k;
      select.value = String(k);
      show(k);
      if (!announced) return;
      const all = k < 0 ? [] : [...new Set(maps.flatMap(map => numbers(map, k)))];
      say(k < 0 ? "No district chosen." : `${data.names[k]}. ${all.join(". ")}.`);
    };

    // The district under the pointer; near no outline, the nearest centre within a few pixels.
    const find = (map, event) => {
      const box = map.layer.getBoundingClientRect();
      const px = (event.clientX - box.left) * map.width / box.width;
      const py = (event.clientY - box.top) * map.height / box.height;
      for (const at of [...map.placed].reverse()) {
        const u = (px - at.left) / at.wide, v = (py - at.top) / at.high;
        if (u < 0 || v < 0 || u > 1 || v > 1) continue;
        const x = at.x + u * at.across, y = at.y + v * at.down;
        const hit = shapes.findIndex(shape => inside(shape, x, y));
        if (hit >= 0) return hit;
        let nearest = -1, least = 8 ** 2;
        data.centres.forEach((centre, k) => {
          if (!centre) return;
          const far = ((centre[0] - x) * at.wide / at.across) ** 2 + ((centre[1] - y) * at.high / at.down) ** 2;
          if (far < least) [nearest, least] = [k, far];
        });
        return nearest;
      }
      return -1;
    };

    for (const map of maps) {
      map.readout.hidden = false;
      map.readout.textContent = hint;
      map.layer.addEventListener("pointermove", event => {
        // A finger scrolls; it chooses by a tap. What was chosen stays until it is let go.
        if (event.pointerType !== "touch" && kept < 0) show(find(map, event));
      });
      map.layer.addEventListener("pointerleave", () => { if (kept < 0) show(-1); });
      map.layer.addEventListener("click", event => {
        const k = find(map, event);
        keep(k === kept ? -1 : k, true);
      });
    }

    select.append(new Option("– none –", "-1"), ...data.order.map(k => new Option(data.names[k], String(k))));
    select.addEventListener("change", () => keep(Number(select.value), true));
    document.getElementById("forget").addEventListener("click", () => { keep(-1, true); select.focus(); });
    addEventListener("keydown", event => { if (event.key === "Escape" && kept >= 0) keep(-1, true); });
    document.querySelector(".finder").hidden = false;
  };

  const districts = document.getElementById("districts");
  const figures = [...document.querySelectorAll("figure.map")];
  if (districts && figures.length) link(JSON.parse(districts.textContent), figures);
})();
