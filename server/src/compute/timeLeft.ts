const EN = {
  seconds: "s",
  minutes: "min",
  hours: "h",
  left: (time: string) => `about ${time} left`,
};
const JA = {
  seconds: "秒",
  minutes: "分",
  hours: "時間",
  left: (time: string) => `残り約 ${time}`,
};

/** "about 3 min left", in two or fewer digits of what is known; "" where nothing is. */
export function timeLeft(seconds: number | undefined, language = "en"): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return "";
  const { seconds: s, minutes: min, hours: h, left } = language.startsWith("ja") ? JA : EN;
  if (seconds < 55) return left(`${Math.max(5, Math.ceil(seconds / 5) * 5)} ${s}`);
  if (seconds < 90 * 60) return left(`${Math.round(seconds / 60)} ${min}`);
  return left(`${(seconds / 3600).toFixed(1)} ${h}`);
}
