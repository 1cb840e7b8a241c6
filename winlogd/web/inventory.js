// What a machine reported of its hardware, in words. A client may send any JSON, so that names are recognised by parts.
import { words } from "./details_words.js";
import { lang, number } from "./words.js";

/** @typedef {[path: string[], value: unknown]} Leaf a single value, and the names and places that lead to it */

/** The groups in their order, each with the names that belong to it. */
const GROUPS = /** @type {const} */ ([
  ["processor", /^(cpu|processor|core)/i],
  ["memory", /^(mem|ram|swap|dimm)/i],
  ["disks", /^(disk|drive|storage|ssd|nvme|volume|partition)/i],
  ["network", /^(net|nic|mac|ethernet|wifi|interface|ip)/i],
  ["graphics", /^(gpu|graphic|video|display|monitor|screen)/i],
  [
    "machine",
    /^(serial|model|manufacturer|vendor|bios|board|mainboard|motherboard|system|uuid|product|chassis)/i,
  ],
  ["other", /^/],
]);
/** A report of 64 KiB may have thousands of values. */
const MOST_LEAVES = 500;
const BYTES = /size|total|used|free|available|capacity|memory|ram$/i;
/** Smaller numbers are not bytes: a client may send megabytes, or the number of modules. */
const FEWEST_BYTES = 1 << 20;

/** French for the names that clients send. Other names are shown as they are. */
const FRENCH = new Map(
  Object.entries({
    available: "disponible",
    brand: "modèle",
    count: "nombre de cœurs",
    free: "libre",
    frequency: "fréquence",
    manufacturer: "fabricant",
    model: "modèle",
    name: "nom",
    serial: "numéro de série",
    "serial number": "numéro de série",
    size: "taille",
    total: "installée",
    type: "type",
    used: "utilisée lors du signalement",
    vendor: "fabricant",
  }),
);
const ENGLISH = new Map(
  Object.entries({
    brand: "model",
    count: "cores",
    serial: "serial number",
    total: "installed",
    used: "in use at the report",
  }),
);

/**
 * Return the single values of an inventory, at most 500.
 * @param {unknown} inventory
 * @returns {Leaf[]}
 */
export function leaves(inventory) {
  /** @type {Leaf[]} */
  const found = [];
  /** @type {Leaf[]} */
  const waiting = [[[], inventory]];
  while (waiting.length && found.length < MOST_LEAVES) {
    const [path, value] = /** @type {Leaf} */ (waiting.pop());
    if (value === null || typeof value !== "object") found.push([path, value]);
    else for (const [name, part] of Object.entries(value).reverse()) waiting.push([[...path, name], part]);
  }
  return found;
}

/**
 * Return the values of an inventory by groups, each with its title.
 * @param {unknown} inventory
 * @returns {[string, Leaf[]][]}
 */
export function groups(inventory) {
  /** @type {Map<string, Leaf[]>} */
  const all = new Map();
  for (const leaf of leaves(inventory)) {
    const name = groupOf(leaf[0]);
    all.set(name, [...(all.get(name) ?? []), leaf]);
  }
  return GROUPS.flatMap(([name]) => {
    const found = all.get(name);
    return found ? [/** @type {[string, Leaf[]]} */ ([words.say(`g_${name}`), found])] : [];
  });
}

/** @typedef {(typeof GROUPS)[number][0]} Group */

/** The groups of the names that were seen: machines of a site send the same ones. @type {Map<string, Group>} */
const seen = new Map();
const MOST_SEEN = 1000;

/** @param {string[]} path @returns {Group} */
function groupOf([first = ""]) {
  let group = seen.get(first);
  if (!group) {
    if (seen.size >= MOST_SEEN) seen.clear();
    group = GROUPS.find(([, names]) => names.test(first))?.[0] ?? "other";
    seen.set(first, group);
  }
  return group;
}

/**
 * Return the title of the group to which a value belongs.
 * @param {string[]} path
 */
export function groupTitle(path) {
  return words.say(`g_${groupOf(path)}`);
}

/**
 * Return the name of a value inside its group: "cores" for cpu_count, "1, size" for disks.0.size.
 * @param {string[]} path
 */
export function label(path) {
  const [first = "", ...rest] = path;
  const names = first.split(/[_\s-]|(?<=[a-z])(?=[A-Z])/);
  const own = groupOf(path) === "machine" || groupOf(path) === "other" ? names : names.slice(1);
  const parts = [
    own.join(" "),
    ...rest.map((each) => (/^\d+$/.test(each) ? String(Number(each) + 1) : each)),
  ];
  const known = parts
    .filter(Boolean)
    .map((each) => each.replaceAll("_", " "))
    .map((each) => (lang() === "fr" ? FRENCH : ENGLISH).get(each.toLowerCase()) ?? each);
  return known.join(", ") || first;
}

/**
 * Return a value as people write it: 16 GB, 2.9 GHz.
 * @param {string[]} path
 * @param {unknown} value
 */
export function valueText(path, value) {
  if (value === null) return "–";
  if (typeof value === "boolean") return words.say(value ? "yes" : "no");
  if (typeof value !== "number") return typeof value === "string" ? value : JSON.stringify(value);
  const name = path.join("_");
  if (BYTES.test(name) && value >= FEWEST_BYTES) return bytes(value);
  if (/freq|mhz|clock/i.test(name) && value >= 100 && value < 100_000)
    return `${number(Math.round(value / 10) / 100)} GHz`;
  return number(value);
}

/** @param {number} value */
function bytes(value) {
  const units = lang() === "fr" ? ["o", "Ko", "Mo", "Go", "To", "Po"] : ["B", "KB", "MB", "GB", "TB", "PB"];
  const power = Math.min(Math.floor(Math.log2(value) / 10), units.length - 1);
  const shown = value / 1024 ** power;
  return `${number(shown < 10 ? Math.round(shown * 10) / 10 : Math.round(shown))}\u00a0${units[power]}`;
}

/**
 * Return what a list shows of an inventory. Memory is a number for sorting, and a text.
 * @param {Leaf[]} all
 */
export function summary(all) {
  /** @param {string} group @param {RegExp} names @param {string} [kind] */
  const find = (group, names, kind = "string") =>
    all.filter(
      ([path, value]) => groupOf(path) === group && names.test(path.join("_")) && typeof value === kind,
    );
  const model = find("processor", /brand|model|name|^cpu$|^processor$/i)[0];
  const memory = find("memory", /total|size|capacity|installed|^memory$|^ram$/i, "number")[0];
  const disks = [...find("disks", /model|name/i), ...find("disks", /size|total|capacity/i, "number")];
  const serial = all.find(([path]) => /serial/i.test(path.at(-1) ?? "") && groupOf(path) === "machine");
  return {
    processor: model ? String(model[1]) : "",
    memory: memory ? Number(memory[1]) : 0,
    memoryText: memory ? valueText(...memory) : "",
    disks: disks.map((each) => valueText(...each)).join(", "),
    serial: serial ? valueText(...serial) : "",
  };
}
