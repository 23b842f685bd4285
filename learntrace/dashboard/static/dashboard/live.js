// Keeps the parts of a page that move up to date, and tells times in the reader's zone. No library, nothing from elsewhere.
"use strict";

(() => {
  const PAUSE = 3000;
  const LONGEST_PAUSE = 15000;
  const PATIENCE = 10000;
  const language = document.documentElement.lang || "en";
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const date = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const hour = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" });

  // Before anything is shown or compared, so that no text changes in front of the reader's eyes.
  const tellTimes = (root) => {
    for (const time of root.querySelectorAll("time[data-form]")) {
      const at = new Date(time.dateTime);
      time.textContent = (time.dataset.form === "clock" ? clock : date).format(at);
      time.title = full.format(at);
    }
    for (const mark of root.querySelectorAll("[data-at]")) mark.textContent = hour.format(new Date(mark.dataset.at));
  };

  const tellZone = () => {
    const note = document.querySelector("[data-zone]");
    if (note) note.textContent = `${note.dataset.zone} (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
  };

  const put = (fresh) => {
    tellTimes(fresh);
    for (const part of document.querySelectorAll("[data-part]")) {
      const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!next || next.innerHTML === part.innerHTML) continue;
      const known = new Set([...part.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
      for (const row of next.querySelectorAll("[data-row]")) row.classList.toggle("new", !known.has(row.dataset.row));
      part.replaceChildren(...next.childNodes);
    }
  };

  const follow = (sign) => {
    const word = sign.querySelector("[data-word]");
    let pause = PAUSE;
    let timer = 0;

    const say = (on) => {
      if (sign.classList.contains(on ? "on" : "off")) return;
      sign.classList.toggle("on", on);
      sign.classList.toggle("off", !on);
      word.textContent = on ? sign.dataset.on : sign.dataset.off;
    };

    const ask = async () => {
      const begun = performance.now();
      const answer = await fetch(sign.dataset.live, {
        headers: { Accept: "text/html" }, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE),
      });
      if (answer.status === 401) return location.assign(sign.dataset.ended);
      // What may no longer be read is not shown any longer either.
      if (answer.status === 403 || answer.status === 404) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      put(new DOMParser().parseFromString(await answer.text(), "text/html"));
      say(true);
      // A slow server is asked less often: at most a tenth of the time goes into one reader's page.
      pause = Math.min(Math.max(PAUSE, 10 * (performance.now() - begun)), 10 * LONGEST_PAUSE);
    };

    const turn = async () => {
      window.clearTimeout(timer);
      if (document.hidden) return;
      try {
        await ask();
      } catch {
        say(false);
        pause = Math.min(Math.max(pause, PAUSE) * 1.5, LONGEST_PAUSE);
      }
      window.clearTimeout(timer);
      timer = window.setTimeout(turn, pause);
    };

    document.addEventListener("visibilitychange", turn);
    window.addEventListener("online", turn);
    say(true);
    timer = window.setTimeout(turn, pause);
  };

  tellTimes(document);
  tellZone();
  const sign = document.querySelector("[data-live]");
  if (sign) follow(sign);
})();
