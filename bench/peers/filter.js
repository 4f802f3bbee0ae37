// Times `obscenity` on each text of a JSON list from stdin; writes a JSON list of microseconds.
import { readFileSync } from "node:fs";
import { RegExpMatcher, englishDataset, englishRecommendedTransformers } from "obscenity";

const matcher = new RegExpMatcher({ ...englishDataset.build(), ...englishRecommendedTransformers });
const texts = JSON.parse(readFileSync(0, "utf8"));
for (const text of texts.slice(0, 300)) matcher.getAllMatches(text);
const times = texts.map((text) => {
  const begun = process.hrtime.bigint();
  matcher.getAllMatches(text);
  return Number(process.hrtime.bigint() - begun) / 1e3;
});
process.stdout.write(JSON.stringify(times));
