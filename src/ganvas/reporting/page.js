"use strict";
for (const film of document.querySelectorAll(".film")) {
  const frames = film.querySelectorAll(".frame");
  const controls = film.querySelector(".controls");
  if (!controls) continue;
  const [button, slider, told] = ["button", "input", "output"].map((name) => controls.querySelector(name));
  let timer = 0;

  const show = (number) => {
    frames.forEach((frame, i) => { frame.hidden = i !== number; });
    slider.value = number;
    told.value = frames[number].dataset.told;
    slider.setAttribute("aria-valuetext", told.value);
  };
  const pause = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = "Play";
  };
  const step = () => {
    const next = Number(slider.value) + 1;
    if (next < frames.length) show(next);
    else pause();
  };

  slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
  button.addEventListener("click", () => {
    if (timer) return pause();
    if (Number(slider.value) === frames.length - 1) show(0);
    timer = setInterval(step, 200);
    button.textContent = "Pause";
  });
  controls.hidden = false;
  show(frames.length - 1);
}
