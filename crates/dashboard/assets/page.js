// What a page can do better with a script. All of it works without.

// Times in the visitor's own zone.
for (const time of document.querySelectorAll("time")) {
  const at = new Date(time.dateTime);
  if (!isNaN(at)) {
    time.title = time.textContent;
    time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
}

// The log as it comes.
const LINES_MAX = 2000;
const log = document.querySelector("[data-stream]");
if (log) {
  log.scrollTop = log.scrollHeight;
  const state = document.querySelector(".log-state");
  const events = new EventSource(log.dataset.stream);
  let isFirst = true;
  events.onopen = () => { state.textContent = "Following the log."; };
  events.onerror = () => { state.textContent = "The connection broke; trying again."; };
  events.onmessage = (event) => {
    // The stream begins with the lines that are already here.
    if (isFirst) { log.textContent = ""; isFirst = false; }
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(event.data + "\n");
    while (log.childNodes.length > LINES_MAX) { log.firstChild.remove(); }
    if (isAtEnd) { log.scrollTop = log.scrollHeight; }
  };
}
