import pytest

from tests.treatments.starter import edit, faults

CASES = [
    ("mn_striae", {"indication": "tan"}, "names the unknown indication 'tan'"),
    ("mn_striae", {"service": "waxing"}, "names the unknown service 'waxing'"),
    ("mn_striae", {"consent_form": "handshake"}, "names the unknown consent_form 'handshake'"),
    ("mn_striae", {"indication": "vitiligo"}, "indication 'vitiligo' is blocked"),
    ("mn_striae", {"service": "mesotherapy_session"}, "service 'mesotherapy_session' is not for microneedling"),
    ("mn_striae", {"source": ["rumour"]}, "names the unknown source 'rumour'"),
    ("mn_striae", {"outcome_scales__0": "mood"}, "names the unknown outcome scale 'mood'"),
    ("mn_striae", {"outcome_scales__0": "texture_pore_score"}, "outcome scale 'texture_pore_score' is blocked"),
    ("mn_striae", {"extra_check_conditions": ["mood"]}, "names the unknown condition 'mood'"),
    ("mn_striae", {"extra_check_conditions": ["pacemaker"]}, "condition 'pacemaker' is not for microneedling"),
    ("mn_striae", {"areas__0__area": "tail"}, "names the unknown area 'tail'"),
    ("mn_striae", {"areas__0__area": "thigh"}, "area 'thigh' stands twice"),
    ("mn_striae", {"areas__0__area": "palm"}, "microneedling is blocked on 'palm'"),
    ("mn_striae", {"areas__0__depth_min_mm": 0.5}, "0.5 mm on 'abdomen' is shallower than the area allows"),
    ("mn_striae", {"areas__0__depth_max_mm": 2.1}, "2.1 mm on 'abdomen' is over the cap of 2.0 mm"),
    (
        *("mn_acne_scar", {"areas__0__reason": None}),
        "2.0 mm on 'cheek' is above the usual 1.5 mm and gives no reason",
    ),
    ("mn_face_glow", {"areas__0__depth_max_mm": 0.75}, "0.75 mm on 'forehead' is over max_depth_mm of 0.5 mm"),
    (
        *("mn_striae", {"limits__hard_max_depth_mm": 1.9, "areas__0__depth_max_mm": 1.8}),
        ["2.0 mm on 'thigh'", "2.0 mm on 'flank'", "2.0 mm on 'buttock'"],
    ),
    ("mn_striae", {"areas__0__depth_typical_mm": 2.5}, "figures on 'abdomen' do not rise"),
    ("mn_striae", {"areas__0__passes_min": 9}, "figures on 'abdomen' do not rise"),
    ("meso_melasma_txa", {"areas__0__points_max": 9}, "figures on 'cheek' do not rise"),
    ("meso_melasma_txa", {"areas__0__technique": "dart"}, "names the unknown technique 'dart'"),
    ("meso_melasma_txa", {"areas__0__technique": "needling"}, "names the unknown technique 'needling'"),
    (
        *("meso_melasma_txa", {"areas__0__depth_max_mm": 4}),
        "depth on 'cheek' is outside the 1.0 to 2.0 mm of technique 'papule'",
    ),
    ("meso_melasma_txa", {"areas__0__area": "breast"}, "mesotherapy is blocked on 'breast'"),
    (
        *("meso_melasma_txa", {"ingredients": [], "total_volume_ml": None}),
        "has no ingredients",
    ),
    (
        *("meso_melasma_txa", {"ingredients__0__ingredient": "gold"}),
        "names the unknown ingredient 'gold'",
    ),
    ("meso_melasma_txa", {"ingredients__0__unit": "ml"}, "'tranexamic_acid' is in ml, expected mg"),
    (
        *("meso_melasma_txa", {"ingredients__0__amount": 101}),
        "101 mg of 'tranexamic_acid' is over its maximum of 100",
    ),
    ("meso_melasma_txa", {"ingredients__0__amount": 0}, "'tranexamic_acid' has no amount"),
    ("meso_melasma_txa", {"ingredients__0__ingredient": "glutathione"}, "'glutathione' is blocked"),
    (
        *("meso_face_custom_ha_vitc", {"ingredients__3__ingredient": "multivitamin_complex"}),
        "ingredient 'multivitamin_complex' stands twice",
    ),
    (
        *("meso_face_custom_ha_vitc", {"ingredients__1__ingredient": "hyaluronidase", "ingredients__1__unit": "IU"}),
        "'hyaluronic_acid' and 'hyaluronidase' must not be mixed",
    ),
    (
        *("meso_scalp_vitamin", {"ingredients__3__ingredient": "deoxycholic_acid"}),
        [f"'{name}' and 'deoxycholic_acid' must not" for name in ("dexpanthenol", "niacinamide", "riboflavin")]
        + ["'deoxycholic_acid' and 'zinc_sulfate' must not"],
    ),
    ("mn_striae", {"anaesthetic__minutes_min": 31}, "anaesthetic minutes do not rise"),
    ("mn_striae", {"anaesthetic__source": ["rumour"]}, "anaesthetic names the unknown source 'rumour'"),
    ("mn_striae", {"anaesthetic__ingredient": None}, "anaesthetic names the unknown ingredient 'None'"),
    ("mn_striae", {"anaesthetic__ingredient": "biotin"}, "'biotin' is not an anaesthetic that may be used"),
    ("mn_striae", {"anaesthetic__agent": None}, "anaesthetic names no product"),
    ("meso_melasma_txa", {"total_volume_ml": 1.5}, "volumes add up to 1 ml, total_volume_ml is 1.5"),
    ("meso_melasma_txa", {"limits__max_total_ml": 0.5}, "total_volume_ml of 1 is over max_total_ml of 0.5"),
    ("meso_scalp_dutasteride", {"limits__max_mg": 0.4}, "0.5 mg are over max_mg of 0.4"),
    ("meso_melasma_txa", {"limits__max_points": 9}, "10 points are over max_points of 9"),
    (
        *("meso_melasma_txa", {"areas__0__volume_per_point_ml": 0.2}),
        "'cheek' needs 2.0 ml, more than total_volume_ml of 1",
    ),
    ("mn_striae", {"phases__0__sessions": 4}, "phases add up to 4 sessions, sessions_typical is 3"),
    ("mn_striae", {"sessions_min": 4}, "sessions_min, sessions_typical, sessions_max do not rise"),
    ("mn_striae", {"phases__0__interval_max_days": 20}, "intervals of phase 'induction' do not rise"),
    ("mn_striae", {"phases__0__interval_min_days": 15}, "interval_min_days is not that of its phases"),
    ("meso_submental_dca", {"limits__min_interval_days": 31}, "phase 'induction' is below the shortest interval"),
    ("meso_submental_dca", {"sessions_max": 7}, "sessions_max is over max_sessions of 6"),
    ("mn_face_glow", {"maintenance__interval_days": 80}, "maintenance has no phase of its own with its interval"),
    ("mn_striae", {"duration_minutes": 70}, "hands_on segments take 60 minutes, duration_minutes is 70"),
    (
        *("mn_striae", {"anaesthetic__minutes_typical": 20}),
        "numbing segments take 30 minutes, the anaesthetic's minutes_typical is 20",
    ),
    ("mn_striae", {"buffer_minutes": 10}, "turnaround segments take 20 minutes, buffer_minutes is 10"),
    ("mn_striae", {"room_occupancy_minutes": 100}, "segments take 110 minutes, room_occupancy_minutes is 100"),
    ("mn_striae", {"operator_minutes": 50}, "hands_on segments take 60 minutes, operator_minutes is 50"),
    ("mn_striae", {"aftercare_steps__0__step": "dance"}, "names the unknown aftercare step 'dance'"),
    ("mn_striae", {"aftercare_steps__0__step": "no_massage"}, "aftercare step 'no_massage' is not for microneedling"),
    (
        *("mn_striae", {"aftercare_steps__0__step": "no_hair_wash_12h"}),
        "aftercare step 'no_hair_wash_12h' is for other areas",
    ),
    (
        *("mn_striae", {"aftercare_steps__0__offset_hours": 200}),
        "aftercare step 'bland_moisturiser' is sent after it ends",
    ),
    ("mn_striae", {"aftercare_steps__2__step": "spf30"}, "gives no emergency advice"),
    ("mn_striae", {"follow_up_reminders__0__follow_up": "call"}, "names the unknown follow-up 'call'"),
    ("mn_striae", {"follow_up_reminders__0__follow_up": "outcome_12m"}, "follow-up 'outcome_12m' is blocked"),
    (
        *("mn_striae", {"follow_up_reminders__0__follow_up": "check_28d"}),
        "follow-up 'check_28d' is not for microneedling",
    ),
    (
        *("mn_striae", {"follow_up_reminders__0__offset_hours": 3}),
        "follow-up 'aftercare_sent' has another offset than in aftercare.json",
    ),
]


@pytest.mark.parametrize(("key", "changes", "what"), CASES, ids=[f"{case[0]} {case[2]}" for case in CASES])
def test_a_protocol_that_breaks_a_rule_is_refused(folder, key, changes, what):
    edit(folder, "protocols", key, **changes)

    found = faults(folder)

    if isinstance(what, str):
        assert found == [f"protocols.json: {key}: {what}"]
    else:
        assert [line.startswith(f"protocols.json: {key}: {start}") for line, start in zip(found, what, strict=True)]


def test_a_protocol_without_areas_is_refused(folder):
    edit(folder, "protocols", "mn_scalp_aga", areas=[])

    assert "protocols.json: mn_scalp_aga: treats no area" in faults(folder)
