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
    else feed.again();
  };
  for (const message of feed.current()) port.postMessage(message);
  feed.start();
};
