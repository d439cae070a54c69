"use strict";
// Sorts all parts of the table by a column when its heading is pressed; without scripts the headings are plain text.
for (const whole of document.querySelectorAll(".sortable")) {
  const bodies = [...whole.querySelectorAll("tbody")];
  const heads = [...whole.querySelector("thead").rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const numeric = head.classList.contains("n");
      const rows = bodies.flatMap((body) => [...body.rows]).map((row) => [row.cells[column].textContent, row]);
      rows.sort(([a], [b]) => (numeric ? a - b : a < b ? -1 : a > b ? 1 : 0));
      if (down) rows.reverse();
      const sizes = bodies.map((body) => body.rows.length);
      let at = 0;
      bodies.forEach((body, number) => {
        body.replaceChildren(...rows.slice(at, at + sizes[number]).map(([, row]) => row));
        at += sizes[number];
      });
    });
  });
}
