// The words of the page with the readers' log.
import { wordsOf } from "./words.js";

export const words = wordsOf({
  en: {
    all: "Each look at a person, a machine or the past, by every reader.",
    own: "Each look of yours at a person, a machine or the past. The scope “audit” sees those of all readers.",
    reader: "reader",
    first: "from",
    until: "to",
    at: "when",
    kind: "looked at",
    filter: "with",
    address: "from where",
    k_current: "who is on",
    k_sessions: "sessions",
    k_events: "events",
    k_machines: "the machines",
    k_machine: "a machine",
    k_user: "a person",
    k_stats: "trends",
    k_search: "the search",
    k_occupancy: "a day’s timeline",
    k_hardware: "hardware",
    k_moment: "a moment",
    command: "a command on the server",
    none: "No look is in the log. A row appears with the first look at a person, a machine or the past.",
    none_filtered: "No look passes these filters. Remove one above.",
    newest: "Newest",
    older: "Older",
    older_key: "older rows",
    newer_key: "newest rows",
  },
  fr: {
    all: "Chaque regard sur une personne, un poste ou le passé, de tous les lecteurs.",
    own: "Chacun de vos regards sur une personne, un poste ou le passé. La portée « audit » voit ceux de tous les lecteurs.",
    reader: "lecteur",
    first: "du",
    until: "au",
    at: "quand",
    kind: "consulté",
    filter: "avec",
    address: "d’où",
    k_current: "qui est là",
    k_sessions: "sessions",
    k_events: "événements",
    k_machines: "les postes",
    k_machine: "un poste",
    k_user: "une personne",
    k_stats: "tendances",
    k_search: "la recherche",
    k_occupancy: "la chronologie d’un jour",
    k_hardware: "matériel",
    k_moment: "un moment",
    command: "une commande sur le serveur",
    none: "Le journal est vide. Une ligne apparaît au premier regard sur une personne, un poste ou le passé.",
    none_filtered: "Aucune ligne ne correspond à ces filtres. Retirez-en un ci-dessus.",
    newest: "Les plus récentes",
    older: "Plus anciennes",
    older_key: "lignes plus anciennes",
    newer_key: "lignes les plus récentes",
  },
});

const KINDS = /** @type {const} */ ([
  "current",
  "sessions",
  "events",
  "machines",
  "machine",
  "user",
  "stats",
  "search",
  "occupancy",
  "hardware",
  "moment",
]);

/**
 * Return in words what was looked at; the server's own word if it has none here.
 * @param {string} kind
 */
export function kindWords(kind) {
  const known = KINDS.find((each) => each === kind);
  return known ? words.say(`k_${known}`) : kind;
}
