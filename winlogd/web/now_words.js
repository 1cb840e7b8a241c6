// The words of the page Now.
import { wordsOf } from "./words.js";

export const words = wordsOf({
  en: {
    density: "machines as lines or as cells",
    seen: "seen/expected",
    free: { one: "{n} free", other: "{n} free" },
    free_unknown: "free: not known",
    since: "since {time}",
    last: "last: {user}",
    nobody: "nobody was seen",
    contact: "{age} ago",
    no_news: { one: "no news for {n} day", other: "no news for {n} days" },
    never: "expected, never seen",
    nothing: "No machine passes these filters.",
    empty: "No event has come yet.",
    empty_windows: "Tell the workstations where this server is. Windows, as administrator:",
    empty_linux: "Linux:",
    empty_then: "Then run the program “logon” at each logon. The first one appears here by itself.",
  },
  fr: {
    density: "postes en lignes ou en cases",
    seen: "vus/attendus",
    free: { one: "{n} libre", other: "{n} libres" },
    free_unknown: "libres : inconnu",
    since: "depuis {time}",
    last: "dernier : {user}",
    nobody: "personne n’a été vu",
    contact: "il y a {age}",
    no_news: { one: "sans nouvelles depuis {n} jour", other: "sans nouvelles depuis {n} jours" },
    never: "attendu, jamais vu",
    nothing: "Aucun poste ne correspond à ces filtres.",
    empty: "Aucun événement n’est encore arrivé.",
    empty_windows: "Indiquez aux postes où est ce serveur. Sous Windows, en administrateur :",
    empty_linux: "Sous Linux :",
    empty_then:
      "Lancez ensuite le programme « logon » à chaque connexion. La première apparaît ici d’elle-même.",
  },
});
