// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
// Touch screens show no tooltips: a box that is tapped or pointed at says what it is above the drawing.
const pointed = document.getElementById("pointed");
const map = document.querySelector(".map");
if (pointed && map) {
  const show = (event) => {
    const box = event.target.closest(".buffer");
    if (!box) return;
    pointed.textContent = box.querySelector("title").textContent;
    for (const other of map.querySelectorAll(".chosen")) other.classList.remove("chosen");
    box.classList.add("chosen");
  };
  map.addEventListener("pointerover", show);
  map.addEventListener("click", show);
}
