// Keeps the list of live sessions fresh: the same piece of the page, fetched again. Without this script a reload does it.

const REFRESH_MILLIS = 3000;
/** After a failure the next try waits twice as long, up to this. */
const REFRESH_MILLIS_MAX = 60000;

const list = document.querySelector("#sessions");
const live = document.querySelector("#live");
let wait = REFRESH_MILLIS;

/** Whoever is about to press a button or to copy an address must not lose it. */
function isInUse() {
  const chosen = getSelection();
  return list.contains(document.activeElement) || (!chosen.isCollapsed && list.contains(chosen.anchorNode));
}

async function refresh() {
  if (document.hidden || isInUse()) return;
  const answer = await fetch(list.dataset.from, { redirect: "manual" });
  if (answer.type === "opaqueredirect") {
    live.textContent = "You are signed out: reload the page.";
    wait = Infinity;
    return;
  }
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!isInUse()) list.replaceChildren(...fresh.body.childNodes);
  live.textContent = "Refreshed every 3 seconds.";
  wait = REFRESH_MILLIS;
}

async function round() {
  try {
    await refresh();
  } catch {
    live.textContent = "Not refreshed: the portal doesn’t answer.";
    wait = Math.min(wait * 2, REFRESH_MILLIS_MAX);
  }
  if (wait !== Infinity) setTimeout(round, wait);
}

setTimeout(round, wait);
