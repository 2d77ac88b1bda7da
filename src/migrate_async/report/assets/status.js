"use strict";
(() => {
  const tools = document.querySelector(".tools");
  const rows = tools ? [...tools.parentElement.querySelectorAll(":scope > .scroll > table > tbody > tr")] : [];
  const search = document.getElementById("filter");
  const chips = [...document.querySelectorAll("button.chip")];
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");

  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = chips.find((chip) => chip.getAttribute("aria-pressed") === "true").dataset.state;
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = (!state || row.dataset.state === state) && words.every((word) => text.includes(word));
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${rows.length} ${tools.dataset.noun} shown`;
    none.hidden = count > 0;
  }
  if (search) {
    search.addEventListener("input", apply);
    for (const chip of chips) {
      chip.addEventListener("click", () => {
        for (const other of chips) other.setAttribute("aria-pressed", String(other === chip));
        apply();
      });
    }
    apply();
  }

  const tip = document.getElementById("tip");
  function show(event) {
    const target = event.target.closest("[data-tip]");
    if (!target) return;
    tip.textContent = target.dataset.tip;
    tip.classList.add("on");
    const box = target.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 8);
    const above = box.top - tip.offsetHeight - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
  }
  const hide = () => tip.classList.remove("on");
  for (const name of ["mouseover", "focusin"]) document.addEventListener(name, show);
  for (const name of ["mouseout", "focusout", "scroll"]) document.addEventListener(name, hide, true);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
})();
