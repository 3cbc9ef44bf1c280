# Draws what `martlet bench relay --plot` has measured. Given by -e:
#   out       the SVG file
#   ratios    a file: a title line "case" and the forwarders, then a line for each case
#   latency   a file: for each forwarder and load a block with a name, then "position us" lines;
#             a packet's position is -log10(1 - share), so that 1 is 90 %, 2 is 99 %
#   columns   columns of the first file
#   blocks    blocks of the second
#   machine   a line about the machine
set terminal svg size 1200,960 dynamic enhanced font "sans-serif,14" background rgb "white"
set output out
set multiplot layout 2,1 title machine noenhanced
set key noenhanced
set border 3
set tics nomirror

set title "CPU time per packet of martlet, divided by that of the others (below 1: martlet is cheaper)"
set style data histograms
set style histogram clustered gap 2
set style fill solid 0.85 border -1
set boxwidth 0.9
set xtics noenhanced
set yrange [0:1.1<*]
set grid ytics lc rgb "#dddddd"
set key top right
set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead lc rgb "#888888" dt 2
plot for [column=2:columns] ratios using column:xtic(1) title columnheader(column)
unset arrow 1

set title "Latency at 10, 50 and 80 % of each forwarder's own saturation"
set style data linespoints
set xtics ("50 %%" 0.30103, "75 %%" 0.60206, "90 %%" 1, "99 %%" 2, "99.9 %%" 3, "99.99 %%" 4)
set format x "%s"
set xlabel "packets"
set ylabel "microseconds"
set yrange [*:*]
set logscale y
set grid xtics ytics lc rgb "#dddddd"
set key outside right
if (blocks > 0) {
    plot for [block=0:(blocks - 1)] latency index block using 1:2 \
        pt 7 ps 0.4 lw 1.5 lc 1 + block / 3 dt 1 + block % 3 title columnheader(1)
}
unset multiplot
