// Say that a browser is too old for this page, in words that every browser understands.
var tooOld = "This browser is too old for this page, or has a part switched off that it needs. " +
  "Try the newest Firefox, Chrome, Edge or Safari.";
window.addEventListener("load", function () {
  if (!document.documentElement.getAttribute("data-try")) {
    document.getElementById("problem").textContent = tooOld;
  }
});
