// The words of the page Wall.
import { wordsOf } from "./words.js";

export const words = wordsOf({
  en: {
    title: "Free seats",
    of: { one: "free of {all}", other: "free of {all}" },
    unknown: "Not known",
    lost: "{lost} of {n} sessions of the last week have no logoff.",
    last_event: "last news {time}",
    no_event: "no news yet",
    page: "{at} of {n}",
    nothing: "No room has a name like {rooms}.",
    no_rooms: "There are no rooms yet.",
    before: "previous rooms",
    after: "next rooms",
    leave: "leave the wall",
  },
  fr: {
    title: "Places libres",
    of: { one: "libre sur {all}", other: "libres sur {all}" },
    unknown: "Inconnu",
    lost: "{lost} des {n} sessions de la dernière semaine n’ont pas de déconnexion.",
    last_event: "dernière nouvelle {time}",
    no_event: "pas encore de nouvelles",
    page: "{at} sur {n}",
    nothing: "Aucune salle n’a un nom comme {rooms}.",
    no_rooms: "Il n’y a pas encore de salles.",
    before: "salles précédentes",
    after: "salles suivantes",
    leave: "quitter l’affichage",
  },
});
