// Copy buttons: <button type="button" data-copy="#id">Copy</button>. The style sheet shows them once they are `ready`.

/**
 * The text to copy: what a field holds, or what an element says.
 * @param {Element} source
 * @returns {string}
 */
function textOf(source) {
  return "value" in source && typeof source.value === "string" ? source.value : (source.textContent ?? "").trim();
}

/** Tells those who don't see the button change. */
const said = document.createElement("div");
said.className = "quiet-label";
said.setAttribute("aria-live", "polite");
document.body.append(said);

/**
 * @param {HTMLButtonElement} button
 * @param {Element} source
 */
async function copy(button, source) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(textOf(source));
    said.textContent = "Copied";
  } catch {
    said.textContent = "Copying was not allowed: select the text and copy it yourself.";
    getSelection()?.selectAllChildren(source);
    return;
  }
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = label;
    said.textContent = "";
  }, 2000);
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const source = document.querySelector(button.dataset.copy);
    if (!source) continue;
    button.classList.add("ready");
    button.addEventListener("click", () => copy(button, source));
  }
}
