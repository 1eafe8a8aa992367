/**
 * Say at once what the server would say after the upload: that a file is too large, or of
 * another type. The server checks again; without this script it is the only one to.
 *
 * @module
 */

const form = /** @type {HTMLFormElement} */ (document.getElementById("upload"));
const input = /** @type {HTMLInputElement} */ (document.getElementById("file"));
const problem = /** @type {HTMLElement} */ (document.getElementById("problem"));
const extensions = (form.dataset.extensions ?? "").split(",");
const maxBytes = Number(form.dataset.maxBytes);

/**
 * @param {File | undefined} file
 * @returns {string} what is wrong with it, or nothing
 */
function whatIsWrong(file) {
  if (!file) return "Please choose a file first.";
  const name = file.name.toLowerCase();
  if (!extensions.some((extension) => name.endsWith(extension))) {
    return `The name of the file must end in one of ${extensions.join(", ")}.`;
  }
  const [size, limit] = [file.size, maxBytes].map((bytes) => (bytes / 1024 ** 2).toFixed(1));
  if (file.size > maxBytes) return `The file is too large: it has ${size} MiB, and ${limit} MiB is the limit.`;
  return file.size ? "" : "The file is empty.";
}

/** @param {string} text */
function show(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

input.addEventListener("change", () => show(whatIsWrong(input.files?.[0])));
form.addEventListener("submit", (event) => {
  const wrong = whatIsWrong(input.files?.[0]);
  show(wrong);
  if (wrong) event.preventDefault();
});
