// Suggestions while one types: a combobox with a listbox (WAI-ARIA 1.2) over a plain text field. Without this script the field
// is one, and the form it belongs to answers with a page.
"use strict";

(() => {
  const WAIT = 120;
  let count = 0;

  class Suggestions {
    constructor(input) {
      this.input = input;
      this.opens = input.dataset.kind === "all";
      this.active = -1;
      this.timer = 0;
      this.asked = "";
      this.list = document.createElement("div");
      this.list.id = `suggestions-${(count += 1)}`;
      this.list.className = "suggestions";
      this.list.setAttribute("role", "listbox");
      this.list.setAttribute("aria-label", document.documentElement.dataset.suggestions);
      this.list.hidden = true;
      // The label that wraps a field would take a click on the list for one on the field.
      const wrapper = input.closest("label");
      (wrapper || input).after(this.list);
      const attributes = {
        role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id,
      };
      for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);
      input.removeAttribute("list");
      input.addEventListener("input", () => this.later());
      input.addEventListener("keydown", (event) => this.key(event));
      input.addEventListener("blur", () => this.close());
      // Before the field loses its focus.
      this.list.addEventListener("pointerdown", (event) => event.preventDefault());
      this.list.addEventListener("click", (event) => {
        const option = event.target.closest("[role=option]");
        if (option) this.choose(option);
      });
    }

    get options() {
      return [...this.list.querySelectorAll("[role=option]")];
    }

    later() {
      clearTimeout(this.timer);
      // What was pointed at fits the text before.
      this.point(-1);
      this.timer = setTimeout(() => this.ask(), WAIT);
    }

    async ask() {
      const text = this.input.value.trim();
      this.asked = text;
      if (!text) {
        this.close();
        return;
      }
      const url = new URL(this.input.dataset.suggest, location.href);
      url.searchParams.set("q", text);
      url.searchParams.set("kind", this.input.dataset.kind);
      try {
        const answer = await fetch(url, { headers: { Accept: "application/json" } });
        // A session that has ended leads to the sign-in page: the field stays a field.
        if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("application/json")) return;
        const found = await answer.json();
        if (this.asked === text && document.activeElement === this.input) this.show(found.groups);
      } catch {
        this.close();
      }
    }

    show(groups) {
      this.point(-1);
      this.list.replaceChildren();
      for (const [number, group] of groups.entries()) {
        const box = document.createElement("div");
        const heading = document.createElement("div");
        heading.id = `${this.list.id}-group-${number}`;
        heading.className = "suggestion-heading";
        heading.setAttribute("role", "presentation");
        heading.textContent = group.title;
        box.setAttribute("role", "group");
        box.setAttribute("aria-labelledby", heading.id);
        box.append(heading, ...group.items.map((item) => this.option(item)));
        this.list.append(box);
      }
      for (const [number, option] of this.options.entries()) option.id = `${this.list.id}-${number}`;
      this.open(this.options.length > 0);
    }

    option(item) {
      const option = document.createElement("div");
      const title = document.createElement("b");
      const note = document.createElement("span");
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.value = item.value;
      option.dataset.url = item.url;
      title.dir = "auto";
      title.textContent = item.title;
      note.className = "quiet";
      note.textContent = item.note;
      option.append(title, " ", note);
      return option;
    }

    open(wanted) {
      this.list.hidden = !wanted;
      this.input.setAttribute("aria-expanded", String(wanted));
    }

    close() {
      clearTimeout(this.timer);
      this.asked = "";
      this.point(-1);
      this.open(false);
    }

    move(step) {
      const options = this.options;
      if (!options.length) return;
      // Beyond the ends is the field itself, with what was typed.
      const places = options.length + 1;
      this.point(((this.active + 1 + step + places) % places) - 1);
    }

    // Point at an option by its place; -1: at none.
    point(place) {
      const options = this.options;
      options[this.active]?.setAttribute("aria-selected", "false");
      this.active = place;
      if (place < 0) {
        this.input.removeAttribute("aria-activedescendant");
        return;
      }
      const option = options[place];
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", option.id);
    }

    key(event) {
      if (event.isComposing) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (this.list.hidden) this.ask();
        else this.move(event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "Enter" && !this.list.hidden && this.active >= 0) {
        event.preventDefault();
        this.choose(this.options[this.active]);
      } else if (event.key === "Escape" && !this.list.hidden) {
        event.preventDefault();
        this.close();
      }
    }

    choose(option) {
      if (this.opens) {
        location.assign(option.dataset.url);
        return;
      }
      this.input.value = option.dataset.value;
      this.close();
      this.input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  for (const input of document.querySelectorAll("input[data-suggest]")) new Suggestions(input);

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const search = document.getElementById("search");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
})();
