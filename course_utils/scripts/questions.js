// Predictions and quizzes by mouse and keyboard. Without this script they're lists.
const LIVE = ".course-guess:not(.jupyter-widgets-disconnected)";
// In JupyterLab you see the widget as long as it has its kernel; else what's below it, made here.
// All text has the page's own colours: so its contrast is the theme's, light or dark.
const STYLE = `
.jp-OutputArea-child:has(${LIVE}) + .jp-OutputArea-child:has(.course-prediction),
.jp-OutputArea-child:not(:has(.course-prediction, ${LIVE}, [data-mime-type*=stdout])):has(
  + .jp-OutputArea-child .course-prediction) {
  display: none;
}
:is(.course-prediction, .course-quiz fieldset) { min-width: 0; margin: 0 0 1em; padding: .4em 1em;
  border: 1px solid #808080; border-radius: 4px; }
.course-quiz legend { float: left; width: 100%; padding: 0; margin: .4em 0; font-weight: bold; }
.course-quiz legend ~ * { clear: both; }
:is(.course-prediction, .course-quiz) :is(ul, ol.choices) { list-style: none; padding: 0;
  margin: .3em 0; }
.course-prediction li { display: inline-block; margin: .2em .5em .2em 0; }
.course-prediction :is(button, input) { font: inherit; color: inherit; background: none;
  min-height: 2.2em; padding: .2em .9em; border: 1px solid currentColor; border-radius: 4px; }
.course-prediction button { cursor: pointer; }
.course-prediction button[aria-pressed=true] { box-shadow: inset 0 0 0 2px currentColor; }
:is(.course-guess .mod-active, .course-prediction button[aria-pressed=true])::before {
  content: "✓ "; }
.course-quiz ol.choices label { display: flex; align-items: baseline; gap: .8em; padding: .3em 0;
  cursor: pointer; }
.course-quiz input { flex: none; width: 1.1em; height: 1.1em; margin: 0; accent-color: #1a6fb5; }
.course-quiz input:focus-visible { outline-offset: 2px; }
:is(.course-guess, .course-prediction, .course-quiz) :is(button, input, summary):focus-visible {
  outline: 3px solid currentColor !important; outline-offset: 2px !important; }
:is(.course-prediction, .course-quiz) [role=status] { margin: .3em 0; }
.course-quiz [data-right] { padding-left: .7em; border-left: 4px solid #2a8a46; }
.course-quiz [data-right=false] { border-left: 4px dashed #c8501e; }
`;
if (!document.getElementById("course-questions")) {
  document.head.append(make("style", { id: "course-questions" }, STYLE));
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// ------------------------------------------------------------------------------------ predictions

const letters = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
const number = (text) =>
  /^[-+]?\d*[.,]?\d+\s*%?$/.test(text) ? parseFloat(text.replace(",", ".")) : NaN;

// On the course's pages, what came out is folded below the question, and has a line "It is: stay".
function answerTo(prediction) {
  const foldOf = (asked) =>
    [...document.querySelectorAll("details.course-outcome")].find((fold) =>
      asked.compareDocumentPosition(fold) & Node.DOCUMENT_POSITION_FOLLOWING);
  const fold = foldOf(prediction);
  if (!fold) return {};
  const together = [...document.querySelectorAll(".course-prediction")].filter(
    (other) => foldOf(other) === fold);
  const answers = [...fold.textContent.matchAll(/It is: (.+)$/gm)].map((match) => match[1].trim());
  return { fold, together, answer: answers[together.indexOf(prediction)] };
}

function compared(chosen, answer) {
  if (letters(chosen) === letters(answer)) return `As you predicted: ${answer}`;
  const off = Math.abs(number(chosen) - number(answer));
  return Number.isNaN(off)
    ? `You predicted ${chosen}. It is: ${answer}. What surprised you?`
    : `You predicted ${number(chosen)}. It is: ${answer}, so you were ${+off.toPrecision(6)} off.`;
}

function predict(prediction) {
  const list = prediction.querySelector("ul");
  const said = make("p", { role: "status" });
  prediction.append(said);

  function choose(chosen) {
    prediction.dataset.chosen = chosen;
    const { fold, together, answer } = answerTo(prediction);
    said.textContent = `You predict ${chosen}.`;
    if (!fold || together.some((other) => !other.dataset.chosen)) return;
    fold.open = true;
    const texts = document.createTreeWalker(fold, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      texts.currentNode.data = texts.currentNode.data.replace("No prediction yet. It is", "It is");
    }
    for (const each of together) {
      const its = answerTo(each).answer;
      if (its) each.querySelector("[role=status]").textContent = compared(each.dataset.chosen, its);
    }
  }

  const items = [...list.children];
  if (items.length) {
    const buttons = items.map((item) => {
      const looks = { type: "button", "aria-pressed": false };
      const button = make("button", looks, ...item.childNodes);
      button.addEventListener("click", () => {
        for (const other of buttons) other.setAttribute("aria-pressed", other === button);
        choose(button.textContent);
      });
      item.append(button);
      return button;
    });
    return;
  }
  const words = prediction.querySelector("legend").textContent;
  const field = make("input", { "aria-label": words, autocomplete: "off" });
  const done = make("button", { type: "button" }, "Predict");
  const take = () => {
    const typed = field.value.trim();
    if (/a number$/.test(words) && Number.isNaN(number(typed))) {
      said.textContent = `"${typed}" is not a number: write one such as 12.`;
    } else if (typed) choose(typed);
  };
  done.addEventListener("click", take);
  field.addEventListener("keydown", (event) => event.key === "Enter" && take());
  list.replaceWith(field, " ", done);
}

// ---------------------------------------------------------------------------------------- quizzes

function ask(question) {
  const [choices, meanings] = question.querySelectorAll("ol");
  const said = make("div", { role: "status" });
  const items = [...choices.children];
  // Radio buttons without a common name: Tab reaches each, so you can read on without answering.
  const buttons = items.map((item, i) => {
    const place = { "aria-posinset": i + 1, "aria-setsize": items.length };
    const button = make("input", { type: "radio", ...place });
    button.addEventListener("change", () => {
      for (const other of buttons) other.checked = other === button;
      const meaning = meanings.children[i];
      said.replaceChildren(...meaning.cloneNode(true).childNodes);
      said.dataset.right = meaning.textContent.startsWith("Right");
    });
    button.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = buttons.at((i + step) % items.length);
      next.focus();
      next.click();
    });
    item.append(make("label", {}, button, make("span", {}, ...item.childNodes)));
    return button;
  });
  choices.classList.add("choices");
  choices.after(said);
}

for (const prediction of document.querySelectorAll(".course-prediction:not([data-ready])")) {
  prediction.dataset.ready = "";
  predict(prediction);
}
for (const question of document.querySelectorAll(".course-quiz > fieldset:not([data-ready])")) {
  question.dataset.ready = "";
  ask(question);
}
