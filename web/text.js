// The page's words, in English and German.

const TEXTS = {
  en: {
    skip: "Skip to the orders", title: "Orders", language: "Language and numbers", token: "Token …",
    search: "Order number", find: "Find", showAll: "Show all", newOrder: "New order", import: "Import …", reload: "Reload",
    listName: "Orders", order_id: "Order", product_id: "Product", quantity: "Quantity", amount: "Amount",
    shipping: "Shipping", tax: "Tax", total: "Total", shipping_address: "Address", actions: "Actions",
    edit: "Edit", remove: "Delete", editOrder: "Edit order {id}", removeOrder: "Delete order {id}",
    loading: "Loading …", end: "No more orders.", none: "There are no orders yet.", more: "Scroll for more orders.",
    sum: "{count} orders shown, total {total}", sumOne: "1 order shown, total {total}",
    save: "Save", cancel: "Cancel", close: "Close", chosenByService: "empty: a new number",
    created: "Order {id} was saved.", changed: "Order {id} was changed.", removed: "Order {id} was deleted.",
    undo: "Undo", restored: "Order {id} is back.", dismiss: "Close",
    whole: "A whole number from 1 to 4,294,967,295.", money: "An amount such as 1,234.56, at most 9,999,999,999.99.",
    address: "1 to 255 characters.",
    conflictName: "Somebody else has changed this order", conflictText: "Choose a value for each field that differs.",
    yours: "yours: {value}", theirs: "saved: {value}", saveChoice: "Save the choice",
    tokenName: "Token", tokenText: "The service asks for a token. It stays in this tab until you close it.",
    tokenLabel: "Token", use: "Use", forget: "Forget",
    importName: "Import orders", importText: "A JSON file with an array of orders. Faulty ones are left out and named here.",
    file: "File", startImport: "Import", importProgress: "{done} of {all} orders", importDone: "{done} orders imported, {faulty} left out.",
    importStopped: "Stopped: {done} of {all} orders are imported.", notJson: "The file is not JSON: {reason}", notArray: "The file has no array of orders.",
    itemFault: "Item {number}: {reason}", duplicateItem: "order {id} exists already", notAnOrder: "not an order",
    healthy: "Service and database respond.", noDatabase: "The database does not respond.", noService: "The service does not respond.",
    starting: "The service is not ready: {reason}",
    errNoResponse: "The service did not answer. Is the network there?", errNotFound: "This order does not exist any more.",
    errDuplicate: "There is an order with this number already.", errInvalid: "Please correct the marked fields.",
    errToken: "The service asks for a valid token.", errScope: "Your token does not allow this.",
    errBusy: "The service is too busy. Please try again in a moment.", errDatabase: "The database does not respond. Nothing was saved.",
    errUnknown: "It is not known whether this was saved. Please reload and look.", errOther: "That did not work: {reason}",
    requestId: "Request {id}",
  },
  de: {
    skip: "Zu den Bestellungen", title: "Bestellungen", language: "Sprache und Zahlen", token: "Token …",
    search: "Bestellnummer", find: "Suchen", showAll: "Alle zeigen", newOrder: "Neue Bestellung", import: "Einlesen …", reload: "Neu laden",
    listName: "Bestellungen", order_id: "Bestellung", product_id: "Produkt", quantity: "Menge", amount: "Betrag",
    shipping: "Versand", tax: "Steuer", total: "Summe", shipping_address: "Adresse", actions: "Aktionen",
    edit: "Ändern", remove: "Löschen", editOrder: "Bestellung {id} ändern", removeOrder: "Bestellung {id} löschen",
    loading: "Wird geladen …", end: "Keine weiteren Bestellungen.", none: "Es gibt noch keine Bestellungen.", more: "Weiter unten folgen weitere Bestellungen.",
    sum: "{count} Bestellungen, Summe {total}", sumOne: "1 Bestellung, Summe {total}",
    save: "Speichern", cancel: "Abbrechen", close: "Schließen", chosenByService: "leer: eine neue Nummer",
    created: "Bestellung {id} wurde gespeichert.", changed: "Bestellung {id} wurde geändert.", removed: "Bestellung {id} wurde gelöscht.",
    undo: "Rückgängig", restored: "Bestellung {id} ist wieder da.", dismiss: "Schließen",
    whole: "Eine ganze Zahl von 1 bis 4.294.967.295.", money: "Ein Betrag wie 1.234,56, höchstens 9.999.999.999,99.",
    address: "1 bis 255 Zeichen.",
    conflictName: "Jemand anderes hat diese Bestellung geändert", conflictText: "Wählen Sie für jedes Feld, das sich unterscheidet, einen Wert.",
    yours: "Ihr Wert: {value}", theirs: "gespeichert: {value}", saveChoice: "Auswahl speichern",
    tokenName: "Token", tokenText: "Der Dienst verlangt ein Token. Es bleibt in diesem Tab, bis Sie ihn schließen.",
    tokenLabel: "Token", use: "Verwenden", forget: "Vergessen",
    importName: "Bestellungen einlesen", importText: "Eine JSON-Datei mit einem Array von Bestellungen. Fehlerhafte werden ausgelassen und hier genannt.",
    file: "Datei", startImport: "Einlesen", importProgress: "{done} von {all} Bestellungen", importDone: "{done} Bestellungen eingelesen, {faulty} ausgelassen.",
    importStopped: "Abgebrochen: {done} von {all} Bestellungen sind eingelesen.", notJson: "Die Datei ist kein JSON: {reason}", notArray: "Die Datei hat kein Array von Bestellungen.",
    itemFault: "Eintrag {number}: {reason}", duplicateItem: "Bestellung {id} gibt es schon", notAnOrder: "keine Bestellung",
    healthy: "Dienst und Datenbank antworten.", noDatabase: "Die Datenbank antwortet nicht.", noService: "Der Dienst antwortet nicht.",
    starting: "Der Dienst ist nicht bereit: {reason}",
    errNoResponse: "Der Dienst hat nicht geantwortet. Besteht eine Verbindung?", errNotFound: "Diese Bestellung gibt es nicht mehr.",
    errDuplicate: "Eine Bestellung mit dieser Nummer gibt es schon.", errInvalid: "Bitte berichtigen Sie die markierten Felder.",
    errToken: "Der Dienst verlangt ein gültiges Token.", errScope: "Ihr Token erlaubt das nicht.",
    errBusy: "Der Dienst ist überlastet. Bitte versuchen Sie es gleich noch einmal.", errDatabase: "Die Datenbank antwortet nicht. Nichts wurde gespeichert.",
    errUnknown: "Ob das gespeichert wurde, ist nicht bekannt. Bitte laden Sie neu und sehen nach.", errOther: "Das ging nicht: {reason}",
    requestId: "Anfrage {id}",
  },
};

const STORED = "order-service-language";
let language = localStorage.getItem(STORED) ?? (navigator.language.startsWith("de") ? "de" : "en");

export const currentLanguage = () => language;

export function setLanguage(next) {
  language = next;
  localStorage.setItem(STORED, next);
}

/** The text with its values filled in. */
export const text = (name, values = {}) => TEXTS[language][name].replace(/\{(\w+)\}/g, (_, value) => values[value]);

/** Fills in all texts that the document names. */
export function fillTexts() {
  document.documentElement.lang = language;
  document.title = text("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
}

const BY_SLUG = {
  "no-response": "errNoResponse", "order-not-found": "errNotFound", "duplicate-order": "errDuplicate", "invalid-order": "errInvalid",
  "token-required": "errToken", "invalid-token": "errToken", "insufficient-scope": "errScope", overloaded: "errBusy",
  "rate-limited": "errBusy", conflict: "errBusy", "request-in-progress": "errBusy", "database-unavailable": "errDatabase",
  "database-timeout": "errDatabase", "not-initialised": "errDatabase", "outcome-unknown": "errUnknown",
};

/** What a person should know of an error. */
export function describeError(error) {
  const name = BY_SLUG[error.slug];
  return name ? text(name) : text("errOther", { reason: error.message || error.status || String(error) });
}
