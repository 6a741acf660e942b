import { describe, expect, test } from "vitest";
import { estimateTokens } from "#edge/protocol/estimate.ts";

/**
 * Characters a token by Qwen's tokenizer, measured over the whole Universal Declaration of Human Rights, code and
 * numbers. The samples are of the same kinds; a ratio over a kind fits one paragraph only roughly, hence the margin.
 */
const measured: [string, number, string][] = [
  [
    "English",
    5.14,
    "Whereas recognition of the inherent dignity and of the equal and inalienable rights of all members of " +
      "the human family is the foundation of freedom, justice and peace in the world, everyone is entitled in " +
      "full equality to a fair and public hearing by an independent and impartial tribunal.",
  ],
  [
    "French",
    3.8,
    "Considérant que la reconnaissance de la dignité inhérente à tous les membres de la famille humaine et de " +
      "leurs droits égaux et inaliénables constitue le fondement de la liberté, de la justice et de la paix " +
      "dans le monde.",
  ],
  [
    "German",
    3.8,
    "Da die Anerkennung der angeborenen Würde und der gleichen und unveräußerlichen Rechte aller Mitglieder " +
      "der Gemeinschaft der Menschen die Grundlage von Freiheit, Gerechtigkeit und Frieden in der Welt bildet.",
  ],
  [
    "Spanish",
    3.8,
    "Considerando que la libertad, la justicia y la paz en el mundo tienen por base el reconocimiento de la " +
      "dignidad intrínseca y de los derechos iguales e inalienables de todos los miembros de la familia humana.",
  ],
  [
    "Russian",
    3.3,
    "Принимая во внимание, что признание достоинства, присущего всем членам человеческой семьи, и равных и " +
      "неотъемлемых прав их является основой свободы, справедливости и всеобщего мира.",
  ],
  [
    "Greek",
    1.2,
    "Επειδή η αναγνώριση της αξιοπρέπειας, που είναι σύμφυτη σε όλα τα μέλη της ανθρώπινης οικογένειας, καθώς " +
      "και των ίσων και αναπαλλοτρίωτων δικαιωμάτων τους αποτελεί το θεμέλιο της ελευθερίας.",
  ],
  [
    "Arabic",
    2.8,
    "لما كان الاعتراف بالكرامة المتأصلة في جميع أعضاء الأسرة البشرية وبحقوقهم المتساوية الثابتة هو أساس " +
      "الحرية والعدل والسلام في العالم",
  ],
  [
    "Hindi",
    1.1,
    "चूंकि मानव परिवार के सभी सदस्यों के जन्मजात गौरव और समान तथा अविच्छिन्न अधिकार की स्वीकृति ही " +
      "विश्व-शान्ति, न्याय और स्वतन्त्रता की बुनियाद है",
  ],
  [
    "Thai",
    1.8,
    "โดยที่การยอมรับนับถือเกียรติศักดิ์ประจำตัวและสิทธิ" +
      "เท่าเทียมกันและโอนมิได้ของบรรดา" +
      "สมาชิกทั้งหลาย" +
      "แห่งครอบครัวมนุษย์เป็นหลักมูลเหตุแห่งอิสรภาพ",
  ],
  [
    "Chinese",
    1.6,
    "鉴于对人类家庭所有成员的固有尊严及其平等的和不移的权利的承认，乃是世界自由、正义与和平的基础，鉴于对人权的无视和侮蔑已发展为野蛮暴行，这些暴行玷污了人类的良心。",
  ],
  [
    "Japanese",
    1.4,
    "人類社会のすべての構成員の固有の尊厳と平等で譲ることのできない権利とを承認することは、世界における自由、正義及び平和の基礎であるので、人権の無視及び軽侮が、人類の良心を踏みにじった野蛮行為をもたらし。",
  ],
  [
    "Korean",
    1.7,
    "모든 인류 구성원의 천부의 존엄성과 동등하고 양도할 수 없는 권리를 인정하는 것이 세계의 자유, 정의 및 평화의 기초이며, 인권에 대한 무시와 경멸이 인류의 양심을 격분시키는 만행을 초래하였으며.",
  ],
  [
    "SQL",
    3.7,
    "SELECT c.name, SUM(o.total) AS revenue FROM customers c JOIN orders o ON o.customer_id = c.id WHERE " +
      "o.status = 'paid' AND o.created_at > NOW() GROUP BY c.name ORDER BY revenue DESC LIMIT 10;",
  ],
  [
    "JSON",
    3.1,
    '{"id":"org","name":"Example","limits":{"requestsPerMinute":60,"tokensPerDay":100' +
      '00,"concurrency":5},"isSuspended":false,"models":["chat","sql"]}',
  ],
  [
    "TypeScript",
    3.5,
    "export function wordTokens(letters: number): number {\n  if (letters === 0) return 0;\n  return letters " +
      "<= 7 ? 1 : 1 + (letters - 7) / 4;\n}\n",
  ],
  ["digits", 1, "1723,4498,0012,9931,5574,8820,1193,4471,0027,6650,9912,3384,1928,7746"],
];

describe("the estimate", () => {
  for (const [name, charsPerToken, text] of measured) {
    test(`of ${name} is within 40 % of what Qwen's tokenizer takes`, () => {
      const ratio = estimateTokens(text) / (text.length / charsPerToken);
      expect(ratio).toBeGreaterThan(0.6);
      expect(ratio).toBeLessThan(1.4);
    });
  }

  test("of nothing is nothing, and of anything else a positive whole number", () => {
    expect(estimateTokens("")).toBe(0);
    for (const text of ["a", " ", "\n", "\ud800", "😀", "é", "0"])
      expect(estimateTokens(text), JSON.stringify(text)).toBeGreaterThanOrEqual(1);
    for (const [, , text] of measured) expect(Number.isSafeInteger(estimateTokens(text))).toBe(true);
  });

  test("grows with the text, and takes 4 MiB in a fraction of a second", () => {
    const [, , text] = measured[0] ?? ["", 1, ""];
    const long = text.repeat(Math.ceil((4 * 1024 * 1024) / text.length));
    const start = performance.now();
    expect(estimateTokens(long)).toBeGreaterThan(estimateTokens(text) * 1_000);
    expect(performance.now() - start).toBeLessThan(500);
  });
});
