(() => {
  "use strict";
  const TYPED = "unlisted-choice";
  const root = document.getElementById("env-form");
  const status = document.getElementById("env-status");
  if (!status) return;
  const form = root.closest("form");
  const cards = [...root.querySelectorAll(".env-card")];
  const radioOf = (card) => card.querySelector(".env-radio");
  const optionsOf = (card) => [...card.querySelectorAll(".env-option")];
  const selectOf = (option) => option.querySelector("select");
  const textOf = (option) => option.querySelector(".env-other input");
  const isTyped = (option) => textOf(option) !== null && selectOf(option).value === TYPED;

  // Of the server's data, objects that hold only what was sent: a choice may be called "constructor".
  const plain = (key, value) =>
    Object.prototype.toString.call(value) === "[object Object]" ? Object.assign(Object.create(null), value) : value;

  // What a card's choices make of its figures; the server decides the same again when it starts.
  function figuresOf(card, data) {
    const found = { ...data.base };
    const picked = Object.fromEntries(optionsOf(card).map((one) => [one.dataset.option, selectOf(one).value]));
    for (const [option, choice] of Object.entries(picked)) Object.assign(found, data.alone[option]?.[choice]);
    for (const [names, changes] of data.together)
      if (Object.entries(names).every(([option, choice]) => picked[option] === choice)) Object.assign(found, changes);
    for (const option of optionsOf(card)) {
      const text = isTyped(option) ? textOf(option).value.trim() : "";
      if (text && data.images.includes(option.dataset.option)) found.image = ["Image", text.split("/").pop(), text, false];
    }
    return data.order.map((key) => found[key]).filter(Boolean);
  }

  function draw(card, figures) {
    const list = card.querySelector(".env-figures");
    const before = new Set([...list.querySelectorAll("dd")].map((one) => one.parentElement.textContent));
    list.replaceChildren(...figures.map(([label, text, exact, warns]) => {
      const part = document.createElement("div");
      const [term, value] = ["dt", "dd"].map((name) => part.appendChild(document.createElement(name)));
      term.textContent = label;
      value.textContent = text;
      if (exact) value.title = exact;
      if (warns) part.className = "env-warns";
      return part;
    }));
    return figures.filter(([label, text]) => !before.has(label + text)).map(([label, text]) => `${label}: ${text}`);
  }

  function showTyped(card) {
    for (const option of optionsOf(card)) {
      const text = textOf(option);
      if (!text) continue;
      const wanted = isTyped(option) && radioOf(card).checked;
      option.querySelector(".env-other").hidden = !isTyped(option);
      text.disabled = !wanted; // what is not sent must not keep the form from being sent
      text.required = wanted;
    }
  }

  function update(card) {
    showTyped(card);
    const script = card.querySelector("script");
    if (!script) return;
    const data = JSON.parse(script.textContent, plain);
    const news = draw(card, figuresOf(card, data));
    if (radioOf(card).checked && news.length) status.textContent = news.join(", ");
    const others = optionsOf(card).filter((one) => data.alone[one.dataset.option]?.[selectOf(one).value]);
    card.querySelector(".env-inexact").hidden = data.exact || others.length < 2;
    for (const option of optionsOf(card)) // sanitized by the server
      option.querySelector(".env-hint").innerHTML = data.texts[option.dataset.option]?.[selectOf(option).value] ?? "";
  }

  function search(words) {
    let found = 0;
    for (const card of cards) {
      const text = card.querySelector(".env-title").textContent + " " + card.querySelector(".env-about").textContent;
      const fits = words.every((word) => text.toLowerCase().includes(word));
      card.hidden = !fits && !radioOf(card).checked;
      found += fits;
    }
    status.textContent = `${found} of ${cards.length} profiles`;
  }

  root.addEventListener("change", (event) => {
    const card = event.target.closest(".env-card");
    if (card) event.target === radioOf(card) ? cards.forEach(showTyped) : update(card);
  });
  root.addEventListener("input", (event) => {
    if (event.target.id === "env-search") search(event.target.value.toLowerCase().split(/\s+/).filter(Boolean));
    else if (event.target.closest(".env-other")) update(event.target.closest(".env-card"));
  });
  root.addEventListener("keydown", (event) => {
    if (event.target.id === "env-search" && event.key === "Enter") event.preventDefault();
  });
  root.addEventListener("click", (event) => {
    const radio = event.target.closest(".env-figures") && radioOf(event.target.closest(".env-card"));
    if (radio && !radio.checked) radio.click();
  });
  // Only what belongs to the chosen profile is sent, and of an option either its choice or its text.
  form.addEventListener("formdata", ({ formData }) => {
    for (const card of cards)
      for (const option of optionsOf(card))
        if (!radioOf(card).checked || isTyped(option)) formData.delete(selectOf(option).name);
  });
  // A browser that comes back to the page restores its fields after this has run.
  window.addEventListener("pageshow", () => cards.forEach(update));
  cards.forEach(update);
  const box = root.querySelector(".env-search");
  if (box) {
    box.hidden = false;
    root.querySelector(".env-card:has(> .env-radio:checked)")?.scrollIntoView({ block: "nearest" });
  }
})();
