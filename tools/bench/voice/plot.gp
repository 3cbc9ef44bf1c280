# Draws what `martlet bench voice --plot` has measured. Given by -e:
#   out                       the SVG file
#   up_pesq, down_pesq,       files: a title line "network" and the calls, then a line for each
#   up_delay_p50, down_...    network, with tabs between
#   up_columns, down_columns  their columns
#   machine                   a line about the machine
set terminal svg size 1400,1000 dynamic enhanced font "sans-serif,13" background rgb "white"
set output out
set multiplot layout 2,2 title machine noenhanced
set datafile separator "\t"
set datafile missing "?"
set key noenhanced outside bottom center horizontal
set border 3
set tics nomirror
set style data histograms
set style histogram clustered gap 2
set style fill solid 0.85 border -1
set boxwidth 0.9
set xtics noenhanced rotate by -30
set grid ytics lc rgb "#dddddd"

set yrange [1:4.7]
set title "PESQ-WB, up (client to service)"
if (up_columns > 1) { plot for [i=2:up_columns] up_pesq using i:xtic(1) title columnheader(i) }
set title "PESQ-WB, down (service to client)"
if (down_columns > 1) { plot for [i=2:down_columns] down_pesq using i:xtic(1) title columnheader(i) }
set yrange [0:*]
set title "Delay p50 in ms, up"
if (up_columns > 1) { plot for [i=2:up_columns] up_delay_p50 using i:xtic(1) title columnheader(i) }
set title "Delay p50 in ms, down"
if (down_columns > 1) { plot for [i=2:down_columns] down_delay_p50 using i:xtic(1) title columnheader(i) }
unset multiplot
