#include <ctype.h>
#include <stdio.h>

/* The next number of a PPM header, over blanks and comments; -1 at the end of the file. */
static int number(void) {
  int byte = getchar();
  while (byte == '#' || isspace(byte)) {
    if (byte == '#')
      while (byte != '\n' && byte != EOF) byte = getchar();
    byte = getchar();
  }
  if (!isdigit(byte)) return -1;
  int value = 0;
  for (; isdigit(byte); byte = getchar()) value = 10 * value + byte - '0';
  return value;
}

/* Prints the mean brightness, 0 to 255, of a binary PPM picture on standard input. */
int main(void) {
  if (getchar() != 'P' || getchar() != '6') {
    fprintf(stderr, "brightness: this is no binary PPM picture\n");
    return 1;
  }
  long width = number(), height = number(), largest = number();
  long long sum = 0;
  long samples = 3 * width * height;
  for (long count = 0; count < samples; count++) {
    int sample = getchar();
    if (largest > 255) sample = 256 * sample + getchar();
    sum += sample;
  }
  printf("%.1f\n", samples > 0 ? 255.0 * sum / largest / samples : 0.0);
  return 0;
}
