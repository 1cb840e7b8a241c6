// What one browser's user prefers: the language and the density. A browser that keeps nothing has no preferences.

/**
 * @param {string} name
 * @returns {string | null}
 */
export function recall(name) {
  try {
    return localStorage.getItem(`winlogd ${name}`);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(`winlogd ${name}`, value);
  } catch {
    // The preference then lasts as long as the page.
  }
}
