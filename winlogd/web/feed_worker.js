// One feed for all pages of a browser, in a shared worker.
import { Feed } from "./feed.js";

/** @type {Set<MessagePort>} */
const ports = new Set();
const feed = new Feed((message) => {
  for (const port of ports) port.postMessage(message);
});

/** @type {any} */ (self).onconnect = (/** @type {MessageEvent} */ event) => {
  const [port] = event.ports;
  if (!port) return;
  ports.add(port);
  port.onmessage = ({ data }) => {
    if (data === "leave") ports.delete(port);
    else if (data === "again") feed.again();
    else if (feed.isStarted) {
      // This page has just had an answer: all learn from it.
      const told = data && feed.state.state !== "live" ? ports : [port];
      if (told === ports) feed.learn(data);
      for (const each of told) for (const message of feed.current()) each.postMessage(message);
    }
    // The first page tells what it knows.
    else feed.start(data);
  };
};
