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

// Replaces one element with the element of the same ID in another page, which may be an error page. Only the latest
// request counts, so that a slow response does not replace a newer one.
let running;
const replace = async (url, id, isRefresh) => {
  running?.abort();
  const own = running = new AbortController();
  try {
    // The server does not count a refresh as a sign that somebody is there.
    const headers = isRefresh ? { accept: "text/html", "x-keygate-refresh": "1" } : { accept: "text/html" };
    const response = await fetch(url, { headers, redirect: "error", signal: own.signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const [fresh, old] = [page.getElementById(id), document.getElementById(id)];
    if (!fresh || !old) throw new Error("no such element");
    // Somebody reads what they have opened.
    if (isRefresh && (old.contains(document.activeElement) || old.querySelector("details[open]"))) return;
    old.replaceWith(document.adoptNode(fresh));
    if (!isRefresh) history.replaceState(null, "", url);
  } catch (error) {
    if (!own.signal.aborted) throw error;
  } finally {
    if (running === own) running = undefined;
  }
};

// <form data-filter="id">: submits while typing, and replaces only the element with this ID.
for (const form of document.querySelectorAll("form[data-filter]")) {
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const fields = [...new FormData(form)].filter(([, value]) => value !== "");
      const url = new URL(form.action);
      url.search = new URLSearchParams(fields).toString();
      replace(url, form.dataset.filter, false).catch(() => form.requestSubmit());
    }, 250);
  });
}

// <div id="…" data-refresh="30">: refreshes the element every 30 seconds while the page is visible.
for (const element of document.querySelectorAll("[data-refresh][id]")) {
  const seconds = Math.max(5, Number(element.dataset.refresh) || 30);
  setInterval(() => {
    if (document.visibilityState !== "visible" || running) return;
    replace(location.href, element.id, true).catch(() => {});
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
