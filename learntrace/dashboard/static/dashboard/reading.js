// Steps through the attempts of a page: one at a time, by buttons, by arrow keys, or by themselves. Without it all are shown.
"use strict";

(() => {
  const reading = document.querySelector("[data-reading]");
  const steps = [...(reading?.querySelectorAll("[data-step]") ?? [])];
  if (!steps.length) return;
  const tools = reading.querySelector("[data-tools]");
  const place = tools.querySelector("[data-place]");
  const play = tools.querySelector("[data-play]");
  const speed = tools.querySelector("[data-speed]");
  // The attempts before and after those of this page: the steps go on there.
  const pages = { "-1": reading.querySelector('a[rel="prev"]'), 1: reading.querySelector('a[rel="next"]') };
  const LAST = "#last", PLAY = "#play-";
  let at = 0;
  let timer = 0;

  const show = (number) => {
    at = Math.min(Math.max(number, 0), steps.length - 1);
    for (const [index, step] of steps.entries()) step.hidden = index !== at;
    place.textContent = place.dataset.words.replace("{number}", steps[at].dataset.number).replace("{all}", place.dataset.all ?? steps.length);
    tools.querySelector('[data-go="-1"]').disabled = at === 0 && !pages[-1];
    tools.querySelector('[data-go="1"]').disabled = at === steps.length - 1 && !pages[1];
    // The step has its URL, without an entry in the history for each.
    history.replaceState(history.state, "", `#${steps[at].id}`);
  };

  const stop = () => {
    window.clearInterval(timer);
    timer = 0;
    play.textContent = play.dataset.playWord;
    play.setAttribute("aria-pressed", "false");
  };
  const leave = (by, hash) => { location.href = new URL(hash, pages[by].href).href; };
  const start = () => {
    if (at === steps.length - 1 && !pages[1]) show(0);
    window.clearInterval(timer);
    timer = window.setInterval(() => {
      if (at === steps.length - 1 && pages[1]) return leave(1, PLAY + speed.value);
      show(at + 1);
      if (at === steps.length - 1 && !pages[1]) stop();
    }, 1000 * Number(speed.value));
    play.textContent = play.dataset.pauseWord;
    play.setAttribute("aria-pressed", "true");
  };

  const go = (by) => {
    stop();
    const beyond = at + by < 0 || at + by >= steps.length;
    if (Math.abs(by) === 1 && beyond && pages[by]) leave(by, by < 0 ? LAST : "");
    else show(at + by);
  };
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("[data-go]");
    if (button) go(Number(button.dataset.go));
  });
  play.addEventListener("click", () => (timer ? stop() : start()));
  speed.addEventListener("change", () => { if (timer) start(); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return;
    if (event.target.matches("input, textarea, select, [contenteditable]")) return;
    // In a box that is wider than its place the arrows move the text.
    const box = event.target.closest?.(".diff-box");
    if (box && box.scrollWidth > box.clientWidth) return;
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -steps.length, End: steps.length }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    go(by);
  });

  reading.dataset.stepping = "";
  tools.hidden = false;
  const came = location.hash;
  const wanted = came.slice(1) || reading.dataset.first;
  show(came === LAST ? steps.length - 1 : Math.max(steps.findIndex((step) => step.id === wanted), 0));
  if (came.startsWith(PLAY)) {
    speed.value = came.slice(PLAY.length);
    if (!speed.value) speed.selectedIndex = 1;
    start();
  }
})();
