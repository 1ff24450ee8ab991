// Charts by ECharts from what the page says in data-chart (JSON):
//   {"type": "line" | "bar", "labels": ["22 Nov", …], "unit": "points", "min": 0, "max": 100, "interval": 25,
//    "stack": false,
//    "series": [{"name": "Score", "data": [1, null, 3], "colour": "--accent", "area": true}]}
// Colours are names of CSS variables, so that a chart follows the page into the dark. The same figures belong
// into a table beside the chart: a canvas says nothing to those who cannot see it.
"use strict";

(function () {
  const drawn = new Map();
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  function option(given) {
    const soft = css("--soft");
    const line = { lineStyle: { color: css("--line") } };
    return {
      animation: !calm.matches,
      animationDuration: 300,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: css("--ink") },
      grid: { left: 4, right: 14, top: given.series.length > 1 ? 34 : 12, bottom: 4, containLabel: true },
      legend: given.series.length > 1 ? { top: 0, left: 0, textStyle: { color: soft }, icon: "roundRect" } : undefined,
      tooltip: {
        trigger: "axis",
        // An HTML tooltip would need inline styles, which the page's policy forbids.
        renderMode: "richText",
        backgroundColor: css("--card"),
        borderColor: css("--line"),
        textStyle: { color: css("--ink"), fontSize: 13 },
        valueFormatter: (value) => (value == null ? "–" : `${value}${given.unit ? " " + given.unit : ""}`),
      },
      xAxis: { type: "category", data: given.labels, boundaryGap: given.type === "bar", axisLine: line, axisTick: { show: false }, axisLabel: { color: soft, hideOverlap: true } },
      yAxis: { type: "value", min: given.min, max: given.max, interval: given.interval, splitNumber: 4, splitLine: line, axisLabel: { color: soft } },
      series: given.series.map((one) => ({
        name: one.name,
        type: given.type,
        data: one.data,
        stack: given.stack ? "all" : undefined,
        connectNulls: true,
        showSymbol: one.data.length < 20,
        symbolSize: 6,
        barMaxWidth: 34,
        lineStyle: { width: 2.4 },
        itemStyle: { color: css(one.colour || "--accent") },
        areaStyle: one.area ? { color: css(one.colour || "--accent"), opacity: 0.1 } : undefined,
      })),
    };
  }

  function draw(place) {
    if (!window.echarts || !place.isConnected || !place.clientWidth) return;
    const chart = drawn.get(place) ?? echarts.init(place);
    drawn.set(place, chart);
    chart.setOption(option(JSON.parse(place.dataset.chart)), true);
  }

  function all() {
    for (const [place, chart] of drawn) {
      if (place.isConnected) continue;
      chart.dispose();
      drawn.delete(place);
    }
    document.querySelectorAll("[data-chart]").forEach((place) => { if (!drawn.has(place)) { sized.observe(place); draw(place); } });
  }

  const sized = new ResizeObserver((entries) => {
    for (const { target } of entries) (drawn.get(target)?.resize() ?? draw(target));
  });
  document.addEventListener("DOMContentLoaded", all);
  document.addEventListener("htmx:afterSettle", all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((_, place) => draw(place)));
})();
