// Class now: folds lessons of the grid. Which ones are folded is kept in a cookie, as the server lays the columns out.
"use strict";

(() => {
  const COOKIE = "learntrace_folded";
  const YEAR = 31536000;
  // What nobody has chosen holds for a school day: a class that goes on to the next lesson begins there the day after.
  const DAY = 43200;

  const folded = () => (document.querySelector("[data-folded]")?.dataset.folded ?? "-").split(".").filter((key) => key !== "-");
  const known = () => document.cookie.split("; ").some((one) => one.startsWith(`${COOKIE}=`));
  // Lessons that aren't shown at the moment stay as they are.
  const others = () => {
    const told = document.cookie.split("; ").find((one) => one.startsWith(`${COOKIE}=`))?.split("=")[1] ?? "";
    const shown = new Set([...document.querySelectorAll("[data-fold]")].map((button) => button.dataset.fold));
    return told.split(".").filter((key) => /^\d+$/.test(key) && !shown.has(key));
  };
  const keep = (keys, age) => { document.cookie = `${COOKIE}=${[...keys, ...others()].slice(0, 200).join(".") || "-"}; path=/class; max-age=${age}; samesite=lax`; };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fold]");
    if (!button) return;
    const keys = new Set(folded());
    if (button.getAttribute("aria-expanded") === "true") keys.add(button.dataset.fold);
    else keys.delete(button.dataset.fold);
    keep(keys, YEAR);
    document.dispatchEvent(new Event("learntrace:changed"));
  });

  // So that the columns stay while the class goes on.
  if (!known() && document.querySelector("[data-fold]")) keep(folded(), DAY);
})();
