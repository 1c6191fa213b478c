// Brings the page up to date without moving what a person is doing: elements stay the
// same ones, so focus, selected text, scroll positions and half-typed words stay too.
"use strict";
(() => {
  const period = Number(document.body.dataset.refresh || 0) * 1000;
  const typing = 250; // ms without a key before the filter applies
  let paused = false;
  let wanted = 0; // numbers the loads: only the newest may change the page
  let timer;

  // here is an address of this site without the password that may stand in it: neither
  // fetch nor the history take one.
  const here = (address) => {
    const { pathname, search } = new URL(address, location.href);
    return { url: location.origin + pathname + search, path: pathname + search };
  };

  const key = (node) => node.nodeType === 1 ? node.id || node.dataset.key || "" : "";

  // morph makes an element like another one.
  function morph(from, to) {
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name)) from.removeAttribute(name);
    }
    for (const { name, value } of [...to.attributes]) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    if (from.localName === "input" && from.type !== "hidden" && from !== document.activeElement) {
      from.value = to.value;
    }
    const keyed = new Map();
    for (const child of from.children) {
      if (key(child)) keyed.set(key(child), child);
    }
    let next = from.firstChild;
    for (const want of [...to.childNodes]) {
      const k = key(want);
      let have = k ? keyed.get(k) : next;
      if (have && (have.nodeName !== want.nodeName || key(have) !== k)) have = null;
      if (!have) {
        from.insertBefore(want, next);
        continue;
      }
      keyed.delete(k);
      if (have === next) next = next.nextSibling;
      else from.insertBefore(have, next);
      if (have.nodeType === 1) morph(have, want);
      else if (have.data !== want.data) have.data = want.data;
    }
    while (next) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
  }

  function show(page) {
    const focused = document.activeElement;
    document.title = page.title;
    morph(document.getElementById("main"), page.getElementById("main"));
    const clock = page.querySelector("#clock time");
    const shown = document.querySelector("#clock time");
    if (clock && shown) morph(shown, clock);
    // Rows that were moved lose the focus.
    if (focused && focused !== document.activeElement && focused.isConnected) {
      focused.focus({ preventScroll: true });
    }
  }

  function say(text) {
    const connection = document.getElementById("connection");
    if (connection.textContent !== text) connection.textContent = text;
  }

  // load shows what is at an address, and tells whether it could.
  async function load(address) {
    const mine = ++wanted;
    schedule();
    try {
      const answer = await fetch(here(address).url, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(8000) });
      const text = await answer.text();
      if (mine !== wanted) return false;
      const page = new DOMParser().parseFromString(text, "text/html");
      if (!answer.ok || !page.getElementById("main")) throw new Error(`status ${answer.status}`);
      show(page);
      say("");
      return true;
    } catch {
      if (mine === wanted) say("No response; figures may be out of date.");
      return false;
    }
  }

  function schedule() {
    clearTimeout(timer);
    if (period && !paused && !document.hidden) timer = setTimeout(() => load(location.href), period);
  }

  // go changes the address with the page. Where that fails, the browser goes there.
  async function go(address, keep) {
    const mine = wanted + 1;
    if (await load(address)) {
      history[keep ? "replaceState" : "pushState"](null, "", here(address).path);
    } else if (mine === wanted && !keep) {
      location.assign(address);
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-swap]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (link.id === "clear") document.getElementById("q").value = "";
    go(link.href);
  });

  function filter(keep) {
    const form = document.getElementById("filter");
    const fields = [...new FormData(form)].filter(([, value]) => value !== "");
    go(`${form.action.split("?")[0]}?${new URLSearchParams(fields)}`, keep);
  }

  let pending;
  document.addEventListener("input", (event) => {
    if (event.target.id !== "q") return;
    clearTimeout(pending);
    pending = setTimeout(() => filter(true), typing);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "filter") return;
    event.preventDefault();
    clearTimeout(pending);
    filter(false);
  });

  window.addEventListener("popstate", () => location.reload());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || paused || !period) clearTimeout(timer);
    else load(location.href);
  });

  const pause = document.getElementById("pause");
  pause.hidden = !period;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) clearTimeout(timer);
    else load(location.href);
  });

  schedule();
})();
