// Words: numbers and facts of maps as text. Nothing here is HTML.

const MINUS = "\u2212";
const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A number of three significant digits; with a plus sign where `isSigned`. */
function number(value, isSigned = false) {
  if (value === null || !Number.isFinite(value)) return "unknown";
  if (value === 0) return "0";
  const sign = value < 0 ? MINUS : isSigned ? "+" : "";
  const size = Math.abs(value);
  if (size >= 999.5 && size < 1e6) return sign + (+size.toPrecision(3)).toLocaleString("en");
  const [mantissa, exponent] = size.toPrecision(3).split("e");
  if (exponent === undefined) return sign + mantissa;
  const raised = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPT[digit]).join("");
  return `${sign}${mantissa}×10${exponent < 0 ? "⁻" : ""}${raised}`;
}

const withUnit = (text, unit) => (unit ? `${text} ${unit}` : text);

const percent = (share) => `${(100 * share).toFixed(1)} %`;

const subject = (facts) => facts.class ?? facts.node;

const heading = (facts) =>
  (facts.kind === "signed" ? "Evidence for and against " : "Relevance for ") + subject(facts);

/** The name of a node among the others of an image, with what tells them apart. */
function nodeOption({ facts, store }) {
  if (facts.class === null) return `${facts.node} · largest ${number(strength(facts))}`;
  const likelihood = facts.output === "score"
    ? `score ${number(facts.value)}`
    : `p = ${number(facts.probability)}`;
  const roles = [
    ...(facts.class === store.predicted ? ["predicted"] : []),
    ...(facts.class === store.label ? ["label"] : []),
  ];
  return [`rank ${facts.rank}: ${facts.class}`, likelihood, ...roles].join(" · ");
}

const OPTIONS = {
  image: ({ facts, store }) =>
    facts.facets.image + (store.label === null ? "" : ` · label ${store.label}`),
  node: nodeOption,
  window: ({ facts }) => facts.facets.window ?? "none",
};

/** What a control calls a map that it would choose. */
function optionText(facet, facts) {
  const text = OPTIONS[facet] ?? (() => facts.facets[facet]);
  return text({ facts, store: catalogue.stores[facts.store] });
}

/** One sentence that says which map this is. */
function sentence(map, limit) {
  const { facts } = map;
  const window = facts.facets.window === null ? "" : `, k = ${facts.facets.window}`;
  const rank = facts.rank === null ? [] : [`rank ${facts.rank}, p = ${number(facts.probability)}`];
  return [
    ...rank,
    `${facts.facets.method}${window}`,
    facts.facets.network,
    facts.facets.image,
    `full colour at ${withUnit((facts.kind === "signed" ? "±" : "") + number(limit), facts.unit)}`,
  ].join(" · ");
}

/** Value n of a map in words: what is shown, and what is said to a screen reader. */
function valueInWords(map, n, sense, isHidden) {
  const [value, error] = [map.values[n], map.errors ? map.errors[n] : NaN];
  const { facts } = map;
  const isKnown = Number.isFinite(value);
  const spread = isKnown && Number.isFinite(error) ? ` ± ${number(error)}` : "";
  const notes = [];
  if (sense && isKnown && value) notes.push(`evidence ${sense(value)} ${subject(facts)}`);
  if (spread && Math.abs(value) < 2 * error) notes.push("below two standard errors");
  if (isHidden) notes.push("hidden");
  return {
    value: withUnit(number(value, facts.kind === "signed") + spread, isKnown ? facts.unit : ""),
    notes: notes.join("; "),
  };
}

/** Everything that is known of a map, as pairs. */
function factsOf(map, limit) {
  const { facts, store } = map;
  const unit = facts.unit || "none";
  const said = [
    ["Image", `${facts.facets.image}, ${map.sides}`],
    ["Chosen as", store.slot],
    ["Dataset", store.dataset],
    ["Label", store.label ?? "unknown"],
    ["Predicted", `${store.predicted}, p = ${number(store.predicted_probability)}` +
      (store.misclassified ? " – misclassified" : "")],
    ["Network", facts.facets.network],
    ["Explained", facts.node],
    ["Layer", facts.facets.layer],
    ["Class", facts.class],
    ["Rank", facts.rank],
    ["Probability", facts.class === null ? null : number(facts.probability)],
    [facts.class === null ? "Activation" : "Score", number(facts.value)],
    ["Unit", unit],
    ["Full colour at", (facts.kind === "signed" ? "±" : "") + number(limit)],
    ["Smallest, largest", `${number(facts.smallest)}, ${number(facts.largest)}`],
    ["Largest standard error", facts.largest_error === null
      ? "none: the values are no averages over draws" : number(facts.largest_error)],
    ["How it was made", facts.made],
  ];
  return said.filter(([, text]) => text !== null).map(([name, text]) => [name, String(text)]);
}
