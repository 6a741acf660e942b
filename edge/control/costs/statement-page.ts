import { writeMoney, type MonthStatement } from "./statement.ts";

/** The page's only style; its digest is what its policy lets through. */
export const statementStyle = `
body{font:14px/1.5 system-ui,sans-serif;color:#17212b;margin:2rem auto;max-width:60rem;padding:0 1rem}
h1{font-size:1.4rem;margin:0}p{margin:.25rem 0;color:#52606d}
table{border-collapse:collapse;width:100%;margin-top:1.5rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.4rem .5rem;border-bottom:1px solid #d9e2ec}
td.n,th.n{text-align:right}tfoot td{font-weight:600;border-top:2px solid #52606d}
@media print{body{margin:0}thead{display:table-header-group}tr{break-inside:avoid}}
`;

/** Writes a statement as a page that prints well: no script, nothing from elsewhere, every text escaped. */
export function writeStatementPage(statement: MonthStatement): string {
  const { orgName, org, month, isFinal, writtenAt, lines, totals, currency } = statement;
  const state = isFinal ? "Final." : "Not final: calls of this month may still be settled.";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(`${orgName} ${month}`)}</title>
<style>${statementStyle}</style></head><body>
<h1>Statement ${escape(month)}</h1>
<p>${escape(orgName)} (${escape(org)})</p><p>${state} Written ${escape(writtenAt)}. Times are UTC.</p>
<table><thead><tr><th>Project</th><th>Model</th><th>Tier</th><th class="n">Calls</th><th class="n">Prompt tokens</th>
<th class="n">of them cached</th><th class="n">Completion tokens</th><th class="n">${escape(currency)}</th></tr></thead>
<tbody>
${lines.map((line) => writeRow([line.projectName ?? line.project ?? "none", line.model, line.tier], line)).join("\n")}
</tbody><tfoot>
${writeRow(["Total", "", ""], totals)}
</tfoot></table>
</body></html>
`;
}

function writeRow(texts: string[], amounts: MonthStatement["totals"]): string {
  const { calls, promptTokens, cachedTokens, completionTokens, costMicros } = amounts;
  const numbers = [calls, promptTokens, cachedTokens, completionTokens].map(String);
  const cells = [
    ...texts.map((text) => `<td>${escape(text)}</td>`),
    ...[...numbers, writeMoney(costMicros)].map((text) => `<td class="n">${text}</td>`),
  ];
  return `<tr>${cells.join("")}</tr>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
}
