// Keeps the parts of a page that move up to date, and tells times in the reader's zone. No library, nothing from elsewhere.
"use strict";

(() => {
  const sign = document.querySelector("[data-live]");
  const PAUSE = 3000;
  const LONGEST_PAUSE = 15000;
  const PATIENCE = 10000;
  // What comes together is shown together; and a page that is slow to make is not asked for all the time.
  const GATHER = 300;
  // While the stream tells what changes, the page is asked this seldom besides: ages grow although nothing happens.
  const REST = 20000;
  const AWAY = 60000;
  const TICK = 5000;
  const ASLEEP = 20000;
  const language = document.documentElement.lang || "en";
  // A page tells all times in one zone, which the server knows: charts and CSV files are made there.
  const timeZone = document.documentElement.dataset.timeZone || "UTC";
  const clock = new Intl.DateTimeFormat(language, { timeZone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const locale = language === "en" ? "en-GB" : language;
  const date = new Intl.DateTimeFormat(locale, { timeZone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const yearOf = new Intl.DateTimeFormat("en", { timeZone, year: "numeric" });
  const dateOfYear = new Intl.DateTimeFormat(locale, { timeZone, day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const full = new Intl.DateTimeFormat(locale, { timeZone, dateStyle: "full", timeStyle: "long", hourCycle: "h23" });

  // Before anything is shown or compared, so that no text changes in front of the reader's eyes.
  const tellTimes = (root) => {
    for (const time of root.querySelectorAll("time[data-form]")) {
      const at = new Date(time.dateTime);
      const thisYear = yearOf.format(at) === yearOf.format(new Date());
      time.textContent = (time.dataset.form === "clock" ? clock : thisYear ? date : dateOfYear).format(at);
      time.title = full.format(at);
    }
  };

  // Paper has no filters and no clock: it says what was chosen, and when it was printed.
  window.addEventListener("beforeprint", () => {
    const box = document.querySelector("[data-printed]");
    const selects = document.querySelector(".printed:not([data-printed])") ? [] : document.querySelectorAll(".filters select");
    const chosen = [...selects].filter((select) => select.value).map((select) => select.selectedOptions[0].textContent.trim());
    if (box) box.textContent = [...chosen, full.format(new Date())].join(" · ");
  });

  // On a phone the rows of a table become blocks (layout.css), in which each cell says what it is.
  const titleOf = (head) => {
    const own = head.cloneNode(true);
    // What is only read out names buttons that name themselves.
    own.querySelectorAll(".why, .why-text, .hidden").forEach((one) => one.remove());
    return own.textContent.trim();
  };
  const labelCells = (root) => {
    for (const table of root.querySelectorAll("table.dense")) {
      const titles = [...(table.tHead?.rows[0]?.cells ?? [])].map(titleOf);
      if (!titles.length) continue;
      table.classList.add("stacked");
      for (const row of table.tBodies[0]?.rows ?? []) {
        [...row.cells].forEach((cell, place) => { if (cell.localName === "td") cell.dataset.title = titles[place] ?? ""; });
      }
    }
  };
  const prepare = (root) => {
    tellTimes(root);
    labelCells(root);
  };

  // Rows that are as they were stay the very same elements: selection and an open "?" stay with them.
  const keep = (part, next) => {
    const old = new Map([...part.querySelectorAll("[data-row]")].map((row) => [row.dataset.row, row]));
    for (const row of next.querySelectorAll("[data-row]")) {
      const known = old.get(row.dataset.row);
      if (known) known.classList.remove("new");
      if (known && known.outerHTML === row.outerHTML) row.replaceWith(known);
      else row.classList.toggle("new", !known);
    }
  };

  // The rows of a part that the reader has before the eyes; those that are folded away move as they like.
  const shownIn = (part) => [...part.querySelectorAll("[data-row]")].filter((row) => !row.closest("details[id]") || part.dataset.still === "learners").map((row) => row.dataset.row);

  // Where the reader is in a part: at an element with an id, or at one of those of a row, whatever becomes of the row.
  const REACHED = "a[href], button, input, select, summary, [tabindex]";
  const placeIn = (part) => {
    const at = document.activeElement;
    if (!part.contains(at) || part === at) return null;
    const row = at.closest("[data-row]");
    const all = [...part.querySelectorAll("[data-row]")].map((one) => one.dataset.row);
    const rows = row ? [row.dataset.row, ...all.slice(all.indexOf(row.dataset.row) + 1)] : [];
    // Rows differ in what they hold: a button is known by what it does.
    const button = at.matches("button[name][value]") ? `button[name="${CSS.escape(at.name)}"][value="${CSS.escape(at.value)}"]` : "";
    return { id: at.id, rows, button, number: row ? [...row.querySelectorAll(REACHED)].indexOf(at) : -1 };
  };
  // Of a row that is out of sight now the reader goes on at the next one, else at the part.
  const goTo = (part, place) => {
    const reached = (key) => {
      const row = part.querySelector(`[data-row="${CSS.escape(key)}"]`);
      return place.button ? row?.querySelector(place.button) : row?.querySelectorAll(REACHED)[place.number];
    };
    const found = [place.id && document.getElementById(place.id), ...place.rows.map(reached), part.matches("[tabindex]") && part];
    found.find((one) => one && one.checkVisibility())?.focus({ preventScroll: true });
  };

  // A card or a row that is over while somebody looks leaves its place free, and says why: what is below would else move up
  // under the reader's hand. What the reader has done moves things anyway, and an order that was asked for is the new one.
  const GONE = "gone-";
  const placesOf = (part) => (part.dataset.still === "learners" ? part : part.querySelector(":scope > ul.signals"));
  const gone = (part, row, next) => {
    const key = row.dataset.row;
    if (row.classList.contains("gone")) return row;
    const place = document.createElement(row.localName);
    place.className = `${row.classList.contains("concern") ? "signal " : ""}gone`;
    place.dataset.row = GONE + key;
    place.style.height = `${row.getBoundingClientRect().height}px`;
    const text = place.appendChild(document.createElement(row.localName === "tr" ? "td" : "p"));
    if (row.localName === "tr") {
      text.colSpan = row.cells.length;
      text.textContent = part.dataset.gone;
    } else {
      const by = next.querySelector(`[data-row="${CSS.escape(key)}"] [data-by]`)?.textContent.trim();
      const learner = row.querySelector("a[href*='/learner/']")?.getAttribute("href").match(/\/learner\/(\d+)/)?.[1];
      const erased = document.querySelector(`[data-still=learners] > [data-row="${GONE}${learner}"]`);
      text.textContent = erased ? part.dataset.gone : `${row.dataset.name}: ${by ?? part.dataset.over}`;
    }
    return place;
  };
  // Where the last card is over, there is a sentence in place of the list.
  const emptyList = (old, next) => {
    const list = old.cloneNode(false);
    next.querySelector(":scope > p.quiet")?.before(list);
    return list;
  };
  const keepPlaces = (part, next) => {
    const old = placesOf(part);
    if (!old) return false;
    const fresh = placesOf(next) ?? emptyList(old, next);
    const stays = new Map([...fresh.children].map((row) => [row.dataset.row, row]));
    let before = null;
    let found = false;
    for (const row of [...old.children]) {
      const same = stays.get(row.dataset.row);
      const back = row.classList.contains("gone") && stays.has(row.dataset.row.slice(GONE.length));
      if (same) before = same;
      else if (!back && row.dataset.row) {
        const place = gone(part, row, next);
        found = true;
        if (before) before.after(place);
        else fresh.prepend(place);
        before = place;
      }
    }
    if (!fresh.children.length && fresh !== next) fresh.remove();
    return found;
  };

  const keepOpen = (part, next) => {
    for (const one of part.querySelectorAll("details[id][open]")) {
      const same = next.querySelector(`details[id="${CSS.escape(one.id)}"]`);
      if (same) same.open = true;
    }
  };

  // Each answer masks the form's token anew; one is as good as the other.
  const keepToken = (fresh) => {
    const token = document.querySelector("[name=csrfmiddlewaretoken]")?.getAttribute("value");
    if (token) for (const one of fresh.querySelectorAll("[name=csrfmiddlewaretoken]")) one.setAttribute("value", token);
  };

  const names = (root) => [...root.querySelectorAll("[data-part]")].map((part) => part.dataset.part).join();

  // A page that was empty has other parts than one with something to show: all of it is shown anew.
  const putAll = (fresh, sign) => {
    fresh.querySelector("[data-live]").replaceWith(sign);
    document.querySelector("main").replaceChildren(...fresh.body.childNodes);
  };

  // What somebody is writing is not taken away.
  const hasDraft = (part) => [...part.querySelectorAll("input[name=note]")].some((one) => one.value !== one.defaultValue);

  // What somebody has selected stays selected.
  const selectedIn = (part) => [...part.querySelectorAll("[data-row] input[type=checkbox]:checked")].map((one) => one.value);
  const select = (part, values) => {
    for (const value of values) {
      const box = part.querySelector(`[data-row] input[type=checkbox][value="${CSS.escape(value)}"]`);
      if (box) box.checked = true;
    }
  };

  // Returns whether something is over whose place is kept.
  const put = (fresh, sign, moves) => {
    let kept = false;
    prepare(fresh);
    keepToken(fresh);
    if (fresh.querySelector("[data-live]") && names(fresh) !== names(document)) {
      putAll(fresh, sign);
      document.dispatchEvent(new Event("learntrace:put"));
      return false;
    }
    for (const part of document.querySelectorAll("[data-part]")) {
      const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!next || next.innerHTML === part.innerHTML) continue;
      if (part.querySelector(":popover-open, form :focus-visible:not(button)") || hasDraft(part)) continue;
      const place = placeIn(part);
      const selected = selectedIn(part);
      // Counted from its newest end, at which it begins (progress.css).
      const back = part.querySelector(".timeline")?.scrollLeft;
      keepOpen(part, next);
      if (part.dataset.still && !moves(part.dataset.still)) kept = keepPlaces(part, next) || kept;
      keep(part, next);
      part.replaceChildren(...next.childNodes);
      select(part, selected);
      const timeline = back && part.querySelector(".timeline");
      if (timeline) timeline.scrollLeft = back;
      if (place) goTo(part, place);
    }
    document.dispatchEvent(new Event("learntrace:put"));
    return kept;
  };

  const follow = (sign) => {
    const word = sign.querySelector("[data-word]");
    let pause = PAUSE;
    let least = GATHER;
    let ended = -LONGEST_PAUSE;
    let timer = 0;
    let asking = false;
    let again = false;
    let streaming = false;
    let left = -PATIENCE;

    // Who is on the way to another page, by a form that deletes what this one shows for instance, is not brought back.
    const leaving = () => performance.now() - left < PATIENCE;

    const say = (on) => {
      if (sign.classList.contains(on ? "on" : "off")) return;
      sign.classList.toggle("on", on);
      sign.classList.toggle("off", !on);
      word.textContent = on ? sign.dataset.on : sign.dataset.off;
    };

    // How often the reader has done something to a concern, and how much of that an answer has shown.
    let acts = 0;
    let shownActs = 0;
    document.addEventListener("learntrace:done", () => { acts += 1; });

    // Lists whose order the reader has asked for, until the answer to a request that was sent after that; all others hold still.
    const released = new Set();
    const order = () => [...document.querySelectorAll("[data-still]")]
      .filter((part) => !released.has(part.dataset.still))
      .map((part) => `${part.dataset.still}=${shownIn(part).join(",")}`).join(";");

    const ask = async () => {
      const begun = performance.now();
      const still = order();
      const [asked, done] = [new Set(released), acts];
      const answer = await fetch(sign.dataset.live, {
        headers: { Accept: "text/html", "Learntrace-Parts": "1", "Learntrace-Order": still },
        cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE),
      });
      if (leaving()) return;
      if (answer.status === 401) return location.assign(sign.dataset.ended);
      // What may no longer be read is not shown any longer either.
      if (answer.status === 403 || answer.status === 404) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const shown = document.querySelectorAll(".gone").length;
      const kept = put(new DOMParser().parseFromString(await answer.text(), "text/html"), sign, (name) => acts > shownActs || asked.has(name));
      // The next answer tells how many places there are to give up.
      if (kept && document.querySelectorAll(".gone").length > shown) again = true;
      for (const name of asked) released.delete(name);
      shownActs = done;
      say(true);
      // A slow server is asked less often: at most a tenth of the time goes into one reader's page; what happens is
      // followed sooner, in at most a third.
      const took = performance.now() - begun;
      pause = Math.min(Math.max(PAUSE, 10 * took), 10 * LONGEST_PAUSE);
      least = Math.min(Math.max(GATHER, 2 * took), LONGEST_PAUSE);
    };

    const later = (milliseconds) => {
      window.clearTimeout(timer);
      timer = window.setTimeout(turn, milliseconds);
    };

    const turn = async () => {
      window.clearTimeout(timer);
      if (document.hidden) return;
      if (asking) { again = true; return; }
      asking = true;
      again = false;
      try {
        await ask();
      } catch {
        say(false);
        pause = Math.min(Math.max(pause, PAUSE) * 1.5, LONGEST_PAUSE);
      }
      asking = false;
      ended = performance.now();
      // Whoever waits for what is being computed is told soon, though no stream says when it is done.
      const resting = streaming && !document.querySelector("[data-soon]");
      later(again ? least : resting ? Math.max(REST, pause) : pause);
      waiting = again;
    };

    // The first of several changes sets the time; those that follow meanwhile come with it.
    let waiting = false;
    const changed = () => {
      if (asking) { again = true; return; }
      if (waiting) return;
      waiting = true;
      // The pause counts from the last answer: what happens in a quiet class, such as a raised hand, is shown at once.
      later(Math.max(GATHER, ended + least - performance.now()));
    };

    const listen = () => {
      const kinds = new Set([...sign.dataset.kinds.split(","), "reset"]);
      window.learntraceStream({ stream: sign.dataset.stream, worker: sign.dataset.worker, name: sign.dataset.share }, (kind) => {
        if (kind === "hello") streaming = true;
        // A page that is made anew keeps this element.
        sign.dataset.streaming = kind === "down" ? "" : "1";
        // Asked at the usual pace until the stream is back: the page says itself whether that works.
        if (kind === "down") streaming = false;
        if (kind === "hello" || kind === "down" || kinds.has(kind)) changed();
      });
    };

    window.addEventListener("beforeunload", () => { left = performance.now(); });
    let hiddenAt = 0;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) hiddenAt = performance.now();
      // Who comes back after a while sees how things are.
      else if (performance.now() - hiddenAt > AWAY) for (const part of document.querySelectorAll("[data-still]")) released.add(part.dataset.still);
      turn();
    });
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-show]");
      if (!button) return;
      released.add(button.dataset.show);
      turn();
    });
    document.addEventListener("learntrace:changed", turn);
    // Back online, or awake: what the page shows is old until the next answer. A stream may be dead without an error.
    const wake = () => {
      say(false);
      document.dispatchEvent(new Event("learntrace:woke"));
      turn();
    };
    window.addEventListener("online", wake);
    window.addEventListener("offline", () => say(false));
    // While the computer sleeps, nothing ticks. (Hidden pages tick seldom too: they ask when they are looked at.)
    let ticked = Date.now();
    window.setInterval(() => {
      const slept = Date.now() - ticked > ASLEEP && !document.hidden;
      ticked = Date.now();
      if (slept) wake();
    }, TICK);
    document.addEventListener("visibilitychange", () => { ticked = Date.now(); });
    say(true);
    later(pause);
    if (sign.dataset.stream) listen();
  };

  // The page waits for its server already: leaving it would show less, not more.
  const tellUnsent = () => {
    sign.classList.remove("on");
    sign.classList.add("off");
    sign.querySelector("[data-word]").textContent = sign.dataset.unsent;
  };

  // A form that changes something on the page it stands on: sent in the background, the page then shows what became of it.
  // Without this script the form is sent as any other, and its answer leads back to the page.
  const send = async (event) => {
    const form = event.target.closest("form[data-send]");
    if (!form) return;
    event.preventDefault();
    const button = event.submitter;
    button?.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, {
        method: "POST", body: new FormData(form, button), headers: { "Learntrace-Parts": "1" }, redirect: "manual",
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (answer.status === 401 && sign) return location.assign(sign.dataset.ended);
      if (answer.type !== "opaqueredirect" && !answer.ok) throw new Error(String(answer.status));
      const told = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : null;
      if (told) document.dispatchEvent(new CustomEvent("learntrace:done", { detail: told }));
      if (!told?.failed) form.reset();
      document.dispatchEvent(new Event("learntrace:changed"));
    } catch (error) {
      if (sign && (error instanceof TypeError || error.name === "TimeoutError")) tellUnsent();
      else {
        // As without a script: whatever is wrong is told by a page.
        form.removeAttribute("data-send");
        form.requestSubmit(button);
      }
    }
    button?.removeAttribute("aria-busy");
  };

  // A filter applies as soon as it is chosen; its button is for those without a script.
  const choose = (event) => {
    const form = event.target.closest("form[data-choose]");
    // Times of one's own are typed first, and then applied.
    const typing = event.target.closest(".custom") || (event.target.name === "range" && event.target.value === "custom");
    if (form && !typing) form.requestSubmit();
  };

  // What is fetched only when somebody wants to see it.
  const open = async (event) => {
    const details = event.target;
    if (!details.open || !details.dataset?.fetch) return;
    const address = details.dataset.fetch;
    const place = details.querySelector("[data-fetched]");
    delete details.dataset.fetch;
    try {
      const answer = await fetch(address, { headers: { "Learntrace-Parts": "1" }, cache: "no-store", redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      prepare(fresh);
      place.replaceChildren(...fresh.body.childNodes);
    } catch {
      details.dataset.fetch = address;
      details.open = false;
    }
  };

  // A wide table begins at what is worked on now; its first column stays in view.
  const begin = () => {
    const start = document.querySelector("[data-start]");
    const box = start?.closest("[tabindex]");
    if (box) box.scrollLeft = start.offsetLeft - start.parentElement.firstElementChild.offsetWidth;
  };

  prepare(document);
  begin();
  document.addEventListener("submit", send);
  document.addEventListener("change", choose);
  document.addEventListener("toggle", open, true);
  // A menu closes when one goes on elsewhere.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
  if (sign) follow(sign);
})();
