use super::*;

/// Returns the verdict on a body with legs of `width` pixels, which both became another color.
fn of_table(width: usize, legs: Hex, wanted: [Hex; 2]) -> Verdict {
    let picture = |body: Rgb, legs: Rgb| {
        let color = |index: usize| match (index % 200, index / 200) {
            (40..160, 40..90) => body,
            (x, 90..170) if (50..50 + width).contains(&x) || (150 - width..150).contains(&x) => legs,
            _ => [0.8; 3],
        };
        View { colors: Plane { width: 200, height: 200, data: (0..200 * 200).map(color).collect() }, opacity: None }
    };
    let after = picture(wanted[0].linear(), legs.linear());
    measure(Some(&picture([0.5, 0.02, 0.02], [0.2, 0.1, 0.04])), &after, &wanted, Tolerance::default(), Scope::Product)
        .check
        .verdict
}

#[test]
fn thin_parts_are_measured_if_several_colors_are_requested() {
    let (blue, green, yellow) = (Hex([30, 144, 255]), Hex([46, 125, 79]), Hex([245, 197, 24]));
    for width in [4, 5, 8, 30] {
        assert_eq!(of_table(width, green, [blue, green]), Verdict::On, "{width} pixels");
        assert_eq!(of_table(width, yellow, [blue, green]), Verdict::Off, "{width} pixels");
        assert_eq!(of_table(width, blue, [blue, green]), Verdict::Off, "{width} pixels");
    }
}

#[test]
fn a_dark_and_polished_surface_that_shows_the_requested_color_has_it() {
    let (red, black) = ([0.45, 0.02, 0.02], [0.002; 3]);
    // The same shade and gloss in both pictures.
    let lit = |body: Rgb| {
        let pixel = |index: usize| {
            let (shade, gloss) = (0.8 + 0.2 * (index % 10) as f32 / 10.0, 0.010 + 0.005 * (index % 7) as f32 / 7.0);
            body.map(|channel| shade * channel + gloss)
        };
        Plane { width: 40, height: 40, data: (0..1600).map(pixel).collect() }
    };
    let (before, after) = (lit(red), lit(black));
    let indices: Vec<usize> = (0..1600).collect();
    let shown = Hex(encode(dominant_color(&after.data).unwrap()));
    let light = Illumination::around(&before, &Plane::filled(40, 40, true));
    let check = color_of(Some(&before), &after, light, &indices, shown, Tolerance::default());
    assert_eq!((check.verdict, check.shown), (Verdict::On, Some(shown)), "{check:?}");
    let check = color_of(Some(&before), &after, light, &indices, Hex([0x0d; 3]), Tolerance::default());
    assert_eq!(check.verdict, Verdict::On, "the color below the gloss: {check:?}");
}

#[test]
fn a_picture_of_one_color_is_wrong_even_if_it_is_the_requested_one() {
    let blue = Hex([30, 144, 255]);
    let picture = |product: Rgb, ground: Rgb| {
        let is_product = |index: usize| (40..160).contains(&(index % 200)) && (40..160).contains(&(index / 200));
        let color = |index: usize| if is_product(index) { product } else { ground };
        View { colors: Plane { width: 200, height: 200, data: (0..200 * 200).map(color).collect() }, opacity: None }
    };
    let before = picture([0.5, 0.02, 0.02], [0.8; 3]);
    let verdict =
        |after: &View| measure(Some(&before), after, &[blue], Tolerance::default(), Scope::Product).check.verdict;
    assert_eq!(verdict(&picture(blue.linear(), [0.8; 3])), Verdict::On);
    assert_eq!(verdict(&picture(blue.linear(), blue.linear())), Verdict::Off);
}

#[test]
fn a_handle_that_kept_the_old_color_is_noticed_and_one_of_another_color_was_never_meant() {
    let (red, blue, wood) = ([0.5, 0.02, 0.02], Hex([30, 144, 255]), [0.2, 0.1, 0.04]);
    let picture = |body: Rgb, handle: Rgb| {
        let color = |index: usize| match (index % 200, index / 200) {
            (30..130, 50..150) => body,
            (130..140, 96..104) | (140..180, 80..120) => handle,
            _ => [0.8; 3],
        };
        View { colors: Plane { width: 200, height: 200, data: (0..200 * 200).map(color).collect() }, opacity: None }
    };
    let verdict = |before: [Rgb; 2], after: [Rgb; 2]| {
        let [before, after] = [before, after].map(|[body, handle]| picture(body, handle));
        measure(Some(&before), &after, &[blue], Tolerance::default(), Scope::Product).check.verdict
    };
    assert_eq!(verdict([red, red], [blue.linear(), red]), Verdict::Near);
    assert_eq!(verdict([red, red], [blue.linear(); 2]), Verdict::On);
    assert_eq!(verdict([red, wood], [blue.linear(), wood]), Verdict::On);
}
