const box = document.querySelector('#words'), only = document.querySelector('#only');
const units = [...document.querySelectorAll('.unit')];
function show() {
  const words = box.value.toLowerCase().split(' ');
  for (const unit of units) {
    const text = unit.querySelector('summary').textContent.toLowerCase();
    unit.hidden = !words.every(word => text.includes(word)) || (only.checked && !unit.matches('.bad'));
  }
}
function reveal() {
  const unit = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (unit && unit.matches('.unit')) { unit.open = true; unit.hidden = false; unit.scrollIntoView(); }
}
document.querySelector('.tools').hidden = false;
box.oninput = only.onchange = show;
window.onhashchange = reveal;
show();
reveal();
