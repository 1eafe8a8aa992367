/**
 * What has come of a task: its summary as a table, or why it failed.
 *
 * @module
 */

const number = new Intl.NumberFormat("en");

/**
 * @param {Record<string, any>} status
 * @param {string} id to make the ids of this column's elements from
 * @returns {HTMLElement}
 */
export function outcome(status, id) {
  if (status.state === "SUCCESS" && status.result?.columns) return summary(status.result, id);
  if (status.state === "SUCCESS") return element("p", "The task has ended.");
  const box = element("div", "", "problem");
  box.append(element("strong", status.error_type ?? status.state), " ", element("span", status.error ?? ""));
  return box;
}

/**
 * @param {Record<string, any>} result
 * @param {string} id
 */
function summary(result, id) {
  const box = element("div", "", "summary");
  const rows = `${number.format(result.rows)} rows, ${number.format(result.bad_rows)} of them bad`;
  const caption = element("h3", rows);
  caption.id = `${id}-summary`;
  const scroller = element("div", "", "scroller");
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "region");
  scroller.setAttribute("aria-labelledby", caption.id);
  scroller.append(columnTable(result.columns));
  box.append(caption, scroller);
  if (result.bad_rows) box.append(badRows(result));
  return box;
}

/** @param {Record<string, any>[]} columns */
function columnTable(columns) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const title of ["Column", "Type", "Nulls", "Distinct", "Min", "Max"]) {
    const cell = element("th", title);
    cell.setAttribute("scope", "col");
    head.append(cell);
  }
  const body = table.createTBody();
  for (const column of columns) {
    const row = body.insertRow();
    const name = element("th", column.name);
    name.setAttribute("scope", "row");
    const distinct = `${column.distinct_exact ? "" : "≈ "}${number.format(column.distinct)}`;
    const texts = [column.type, number.format(column.nulls), distinct, column.min ?? "–", column.max ?? "–"];
    row.append(name, ...texts.map((text) => element("td", text)));
  }
  return table;
}

/** @param {Record<string, any>} result */
function badRows(result) {
  const details = document.createElement("details");
  details.append(element("summary", "Bad rows"));
  const list = document.createElement("ul");
  for (const { line, reason } of result.bad_lines) list.append(element("li", `line ${line}: ${reason}`));
  if (result.bad_lines_omitted) list.append(element("li", `and ${number.format(result.bad_lines_omitted)} more`));
  details.append(list);
  return details;
}

/**
 * @param {string} name
 * @param {string} text
 * @param {string} [className]
 */
function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
