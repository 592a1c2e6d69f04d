// Progressive enhancement: everything works without this script.
"use strict";

// <button hidden data-copy="#id">: copies the text of an element.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const source = document.querySelector(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied: select it and copy";
    }
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

// Replaces one element with the element of the same ID in another page.
const replace = async (url, id) => {
  const response = await fetch(url, { headers: { accept: "text/html" }, redirect: "error" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const [fresh, old] = [page.getElementById(id), document.getElementById(id)];
  if (!fresh || !old || old.contains(document.activeElement)) return;
  // Somebody reads what they have opened.
  if (old.querySelector("details[open]")) return;
  old.replaceWith(document.adoptNode(fresh));
};

// <form data-filter="id">: submits while typing, and replaces only the element with this ID.
for (const form of document.querySelectorAll("form[data-filter]")) {
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const fields = [...new FormData(form)].filter(([, value]) => value !== "");
      const url = new URL(form.action);
      url.search = new URLSearchParams(fields).toString();
      try {
        await replace(url, form.dataset.filter);
        history.replaceState(null, "", url);
      } catch {
        form.requestSubmit();
      }
    }, 250);
  });
}

// <div id="…" data-refresh="30">: refreshes the element every 30 seconds while the page is visible.
for (const element of document.querySelectorAll("[data-refresh][id]")) {
  const seconds = Math.max(5, Number(element.dataset.refresh) || 30);
  setInterval(() => {
    if (document.visibilityState === "visible") replace(location.href, element.id).catch(() => {});
  }, seconds * 1000);
}

// Prevents a second click from submitting a form twice. The server also handles this.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
